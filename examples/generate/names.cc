#include "generate/names.h"

namespace understudy::examples {
namespace {

constexpr PerTongue<std::string_view> kOnsets = {
    "b|br|c|ch|d|f|g|gr|h|k|l|m|n|p|r|s|sh|st|t|th|w|wh",
    "b|br|d|f|fr|g|h|k|kl|l|m|n|r|s|sch|st|t|v|w|z|sp",
    "b|bl|c|ch|d|f|g|j|l|m|n|p|r|s|t|v|tr|gr",
    "b|c|d|f|g|l|m|n|p|qu|r|s|t|v|tr|ll",
    "b|c|d|f|g|l|m|n|p|r|s|t|v|z|br|tr|st",
    "b|d|g|h|k|l|m|n|r|s|v|w|z|st|br|sch",
    "b|c|d|f|g|l|lh|m|n|p|r|s|t|v|qu|tr",
    "b|c|d|g|h|j|k|l|m|n|p|r|s|t|y|w|ch|ng",
};
constexpr PerTongue<std::string_view> kNuclei = {
    "a|e|i|o|u|ea|ee|oo|ai|ow|y", "a|e|i|o|u|ei|ie|au|ä|ö|ü",    "a|e|i|o|u|eau|ou|ai|é|è|oi", "a|e|i|o|u|ia|ie|ue|á|ó",
    "a|e|i|o|u|ia|io|ai",         "a|e|i|o|u|aa|ee|oo|ij|oe|ui", "a|e|i|o|u|ão|ei|ou|é|ia",    "a|e|i|o|u|a|u|ai|au",
};
constexpr PerTongue<std::string_view> kCodas = {
    "|n|r|l|s|t|ck|nd|rd|ll|ng|m|x|p",
    "|n|r|l|s|t|ck|nd|rt|ch|ng|m|lz|tz",
    "|n|r|l|s|t||c|x|m",
    "|n|r|l|s|z||d",
    "|n|r|l||||",
    "|n|r|l|s|t|k|nd|ng|m|ts",
    "|n|r|l|s|m|z||",
    "|n|r|l|m|ng|h|k|t|p|s",
};

constexpr PerTongue<std::string_view> kTrades = {
    "Bakery|Hardware|Books|Foods|Motors|Supplies|Trading|Print|Optics|Tools|Market|Garden Centre|Electrical|Logistics|"
    "Cafe|Stationery|Pharmacy|Textiles|Consulting|Plumbing|Cycle Works|Paper|Timber|Coffee|Software|Cleaning Services",
    "Bäckerei|Baustoffe|Buchhandlung|Feinkost|Fahrzeugtechnik|Handel|Druckerei|Optik|Werkzeuge|Markt|Gartenbau|Elektro|"
    "Spedition|Kaffeerösterei|Papier|Apotheke|Textil|Beratung|Sanitär|Fahrräder|Holzbau|Metallbau|Maschinenbau",
    "Boulangerie|Matériaux|Librairie|Épicerie|Garage|Négoce|Imprimerie|Optique|Outillage|Marché|Jardinerie|Électricité|"
    "Transports|Torréfaction|Papeterie|Pharmacie|Textile|Conseil|Plomberie|Cycles|Menuiserie|Fromagerie",
    "Panadería|Materiales|Librería|Alimentos|Motores|Comercial|Imprenta|Óptica|Herramientas|Mercado|Jardines|"
    "Electricidad|Transportes|Cafés|Papelería|Farmacia|Textiles|Consultores|Fontanería|Bicicletas|Maderas|Ferretería",
    "Panificio|Edilizia|Libreria|Alimentari|Motori|Commerciale|Tipografia|Ottica|Utensili|Mercato|Vivai|Elettrica|"
    "Trasporti|Torrefazione|Cartoleria|Farmacia|Tessuti|Consulenza|Idraulica|Cicli|Legnami|Ferramenta|Trattoria",
    "Bakkerij|Bouwmaterialen|Boekhandel|Delicatessen|Autotechniek|Handel|Drukkerij|Optiek|Gereedschap|Markt|"
    "Tuincentrum|"
    "Elektro|Transport|Koffie|Kantoor|Apotheek|Textiel|Advies|Installatie|Fietsen|Houthandel|Kaashandel",
    "Padaria|Materiais|Livraria|Alimentos|Motores|Comercial|Gráfica|Ótica|Ferramentas|Mercado|Jardins|Elétrica|"
    "Transportes|Cafés|Papelaria|Farmácia|Têxteis|Consultoria|Canalizações|Bicicletas|Madeiras|Mercearia",
    "Enterprise|Trading|Hardware|Motor|Supermarket|Restaurant|Cafe|Bakery|Kitchen|Books|Stationery|Electrical|Mini "
    "Market|"
    "Industries|Pharmacy|Seafood|Resources|Marketing|Holdings|Ventures|Fashion|Auto Parts|Optical|Petroleum|Food Court|"
    "Kopitiam|Restoran|Kedai Runcit|Pasaraya|Tyre Service|Machinery|Gift Shop|Photo|Florist|Cash & Carry|Furniture",
};
constexpr PerTongue<std::string_view> kForms = {
    "Ltd|Limited|Inc.|LLC|PLC|& Sons|Co.|& Co. Ltd|Partners LLP|",
    "GmbH|AG|KG|OHG|e.K.|GmbH & Co. KG|UG|& Söhne|",
    "SARL|SAS|SA|EURL|& Fils|& Cie|",
    "S.L.|S.A.|S.L.U.|Hermanos|e Hijos S.L.|",
    "S.r.l.|S.p.A.|S.n.c.|& Figli|S.a.s.|",
    "B.V.|N.V.|V.O.F.|& Zonen|Groep B.V.|",
    "Lda|S.A.|Unipessoal Lda|& Filhos|ME|",
    "SDN BHD|SDN. BHD.|SDN BHD|SDN BHD.|S/B|(M) SDN BHD|SB|ENTERPRISE|TRADING|CO.|HOLDINGS BHD|& SONS||",
};

constexpr PerTongue<std::string_view> kStreets = {
    "# @ Street|# @ Road|# @ Lane|Unit #, @ Park|# @ Avenue|#A @ Close|Suite #, # @ Way|# High Street",
    "@straße #|@weg #|@allee #|Am @ #|@platz #|Alte @gasse #|@str. #",
    "#, rue de @|# rue @|# avenue @|# bis, place @|# boulevard @|ZA @, lot #|#, chemin du @",
    "Calle @ #|Avenida @, #|Plaza @ #|C/ @, #|Paseo de @ #|Polígono @, nave #",
    "Via @ #|Piazza @, #|Corso @ #|Viale @, #|Via @, #/A|Largo @ #",
    "@straat #|@weg #|@laan #|@plein #|@gracht #|@kade #-hs",
    "Rua @, #|Avenida @, #|Largo de @ #|Travessa @ #|Rua do @, # - loja #|Praça @, #",
    "NO #, JALAN @ #|NO. #, JALAN @|#, JALAN @ #/#|LOT #, JALAN @|NO.#-#, JLN @ #/#A|#-#, LORONG @ #|LOT # & #, JALAN "
    "@ #/#|"
    "NO: #, LEBUH @|#A-#, PERSIARAN @|UNIT #, LEVEL #, MENARA @|NO #G, JALAN @ U#/#|BLOK #, JALAN @ #",
};
// Further lines between the street and the place.
constexpr PerTongue<std::string_view> kQuarters = {
    "@ Business Park|@ Centre|The @ Arcade|@ Industrial Estate|Level #, @ House|Building #",
    "Gewerbepark @|Haus #|Industriegebiet @|Ortsteil @|Hinterhaus #",
    "Zone industrielle @|Bâtiment #|Quartier @|Centre commercial @|#e étage",
    "Polígono industrial @|Edificio @|Barrio @|Centro comercial @|# izquierda",
    "Zona industriale @|Palazzo @|Località @|Centro commerciale @|Scala #",
    "Bedrijventerrein @|Gebouw #|Winkelcentrum @|Unit #|Industriepark @",
    "Zona industrial @|Edifício @|Bairro @|Centro comercial @|# esquerdo",
    "TAMAN @|TAMAN @ #|BANDAR @|SEKSYEN #, BANDAR @|KAWASAN PERINDUSTRIAN @|PLAZA @, LEVEL #|DESA @|BUKIT @ #|KAMPUNG "
    "@|"
    "PUSAT BANDAR @|@ COMMERCIAL CENTRE|LOT #, GROUND FLOOR|OFF JALAN @|@ SHOPPING MALL, LOT #|# & #, TINGKAT "
    "BAWAH|SECTION #",
};
constexpr PerTongue<std::string_view> kPlaces = {
    "@ #|@, @shire|@ AB# #CD|@, @|@ RG# #XQ",
    "D-% @|% @|%  @|@ %",
    "% @|F-% @|% @ cedex",
    "% @|% @ (@)|@ %",
    "% @ (XY)|% @|I-% @",
    "% KX @|% AB @|# LW @",
    "%-% @|% @|@ %",
    "% @, @|% @|%, @, @.|% @ @|@ %|% @, @ DARUL @|@, % @|% @ @, MALAYSIA|%,@,@",
};

constexpr PerTongue<std::string_view> kGoods = {
    "coffee|bread roll|paper A4|steel bolts|garden hose|light bulb|notebook|batteries|olive oil|soap|plug adapter|tape|"
    "timber board|paint brush|printer ink|mug|screwdriver|apples|milk|tea bags|cable tie|workshop "
    "hours|delivery|licence",
    "Kaffee|Brötchen|Kopierpapier|Schrauben|Gartenschlauch|Glühbirne|Notizbuch|Batterien|Olivenöl|Seife|Klebeband|"
    "Holzbrett|Pinsel|Tinte|Tasse|Schraubendreher|Äpfel|Milch|Teebeutel|Kabelbinder|Arbeitsstunden|Lieferung|Wartung",
    "café|baguette|papier A4|vis acier|tuyau|ampoule|cahier|piles|huile d'olive|savon|ruban "
    "adhésif|planche|pinceau|encre|"
    "tasse|tournevis|pommes|lait|thé vert|heures de travail|livraison|abonnement|fromage|entretien",
    "café|pan|papel A4|tornillos|manguera|bombilla|cuaderno|pilas|aceite|jabón|cinta|tabla|pincel|tinta|taza|"
    "destornillador|manzanas|leche|té|horas de trabajo|envío|licencia|queso|mantenimiento",
    "caffè|pane|carta "
    "A4|viti|tubo|lampadina|quaderno|pile|olio|sapone|nastro|tavola|pennello|inchiostro|tazza|cacciavite|"
    "mele|latte|tè|ore di lavoro|consegna|licenza|formaggio|manutenzione",
    "koffie|broodje|papier A4|schroeven|tuinslang|lamp|notitieboek|batterijen|olijfolie|zeep|plakband|plank|kwast|inkt|"
    "mok|schroevendraaier|appels|melk|thee|arbeidsuren|bezorging|licentie|kaas|onderhoud",
    "café|pão|papel A4|parafusos|mangueira|lâmpada|caderno|pilhas|azeite|sabonete|fita|tábua|pincel|tinta|caneca|"
    "chave de fendas|maçãs|leite|chá|horas de trabalho|entrega|licença|queijo|manutenção",
    "RICE|NOODLE SOUP|ICED TEA|COFFEE O|CHICKEN CURRY|FISH FILLET|WHITE BREAD|BATTERY AA|PVC PIPE|WALL PAINT|SCREW SET|"
    "FILE A4|PEN BLUE|LED BULB|TAPE|SOAP BAR|SHAMPOO|MINERAL WATER|BISCUIT|DIESEL|TOWEL|BUCKET|PLUG|TOFU|EGG|SET LUNCH|"
    "TEH AIS|NASI AYAM|ROTI TELUR|IKAN BAKAR|SAYUR|KUIH|AIR LIMAU|SERVICE|PARKING|GLOVES|KEY RING|VEGETABLE|PLYWOOD",
};
constexpr std::string_view kKinds =
    "L|XL|S|M|500G|1KG|250 ml|2L|12MM|x 6|No. 4|B-2|PRO|mini|red|blue|10CM|25W|(HOT)|(B)|1.5L|A5|SET";

std::string fill_marks(Random& random, Tongue tongue, std::string_view pattern) {
  std::string result;
  for (const char c : pattern) {
    if (c == '@') {
      const std::string word = capital(made_up_word(random, tongue, static_cast<int>(random.between(2, 3))));
      result += tongue == Tongue::kMalay ? upper(word) : word;
    } else if (c == '#') {
      result += random.chance(0.7) ? number_between(random, 1, 99) : number_between(random, 1, 3999);
    } else if (c == '%') {
      result += digits(random, tongue == Tongue::kDutch || tongue == Tongue::kPortuguese ? 4 : 5);
    } else {
      result += c;
    }
  }
  return result;
}

const std::string_view& of(const PerTongue<std::string_view>& table, Tongue tongue) {
  return table[static_cast<size_t>(tongue)];
}

// d a digit, A a letter, Y a year; everything else as it stands.
std::string from_pattern(Random& random, std::string_view pattern) {
  std::string result;
  for (const char c : pattern) {
    if (c == 'd')
      result += static_cast<char>('0' + random.below(10));
    else if (c == 'A')
      result += static_cast<char>('A' + random.below(26));
    else if (c == 'Y')
      result += number_between(random, 2010, 2027);
    else
      result += c;
  }
  return result;
}

}  // namespace

std::string made_up_word(Random& random, Tongue tongue, int syllables) {
  std::string word;
  for (int i = 0; i < syllables; ++i) {
    word += pick_part(random, of(kOnsets, tongue));
    word += pick_part(random, of(kNuclei, tongue));
    if (i + 1 == syllables || random.chance(0.3)) word += pick_part(random, of(kCodas, tongue));
  }
  return word;
}

std::string made_up_word(Random& random) {
  return made_up_word(random, random_tongue(random), static_cast<int>(random.between(2, 4)));
}

std::string person(Random& random, Tongue tongue) {
  const auto name = [&](int low, int high) {
    return capital(made_up_word(random, tongue, static_cast<int>(random.between(low, high))));
  };
  if (tongue == Tongue::kMalay && random.chance(0.4)) return join({name(1, 1), name(1, 1), name(1, 1)}, " ");
  if (random.chance(0.1)) return join({from_pattern(random, "A."), name(2, 3)}, " ");
  return join({name(1, 2), name(2, 3)}, " ");
}

std::string place(Random& random, Tongue tongue) {
  return capital(made_up_word(random, tongue, static_cast<int>(random.between(2, 3))));
}

Company company(Random& random, Tongue tongue) {
  const auto word = [&](int low, int high) {
    return capital(made_up_word(random, tongue, static_cast<int>(random.between(low, high))));
  };
  const std::string trade = pick_part(random, of(kTrades, tongue));
  Company result;
  switch (random.below(8)) {
    case 0:
      result.brand = word(2, 3);
      break;
    case 1:
      result.brand = join({word(2, 3), word(2, 2)}, " & ");
      break;
    case 2:
      result.brand = trade + " " + word(2, 3);
      break;
    case 3:
      result.brand = join({word(1, 2), word(1, 2), trade}, " ");
      break;
    case 4:
      result.brand = from_pattern(random, random.chance(0.5) ? "AA " : "AAA ") + trade;
      break;
    case 5:
      result.brand = join({word(2, 3), word(2, 3), trade}, " ");
      break;
    case 6:
      result.brand = join({word(1, 1), word(1, 2), word(1, 1), trade}, " ");
      break;
    default:
      result.brand = word(2, 3) + " " + trade;
      break;
  }
  if (random.chance(0.05)) result.brand = number_between(random, 2, 99) + " " + result.brand;
  const std::string form = pick_part(random, of(kForms, tongue));
  result.legal = result.brand;
  if (tongue == Tongue::kMalay && random.chance(0.1)) result.legal += " (" + upper(word(1, 2)) + ")";
  if (!form.empty()) result.legal += " " + form;
  return result;
}

std::vector<std::string> address_lines(Random& random, Tongue tongue) {
  std::vector<std::string> lines;
  lines.push_back(fill_marks(random, tongue, pick_part(random, of(kStreets, tongue))));
  const double further = tongue == Tongue::kMalay ? 0.65 : 0.25;
  while (lines.size() < 4 && random.chance(further)) {
    const std::string quarter = fill_marks(random, tongue, pick_part(random, of(kQuarters, tongue)));
    if (random.chance(0.35))
      lines.back() += ", " + quarter;
    else if (random.chance(0.15))
      lines.insert(lines.begin(), quarter);
    else
      lines.push_back(quarter);
  }
  const std::string city = fill_marks(random, tongue, pick_part(random, of(kPlaces, tongue)));
  if (lines.back().size() < 30 && random.chance(0.2))
    lines.back() += ", " + city;
  else
    lines.push_back(city);
  if (random.chance(0.2)) lines.push_back(fill_marks(random, tongue, random.chance(0.4) ? "@ D.E." : "@"));
  if (random.chance(tongue == Tongue::kMalay ? 0.7 : 0.3)) {
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      if (random.chance(0.85)) lines[i] += random.chance(0.06) ? "." : random.chance(0.05) ? " ," : ",";
    }
    if (random.chance(0.4)) lines.back() += ".";
  }
  return lines;
}

std::string product(Random& random, Tongue tongue) {
  std::string name = pick_part(random, of(kGoods, tongue));
  if (random.chance(0.4)) name = capital(made_up_word(random, tongue, 2)) + " " + name;
  if (random.chance(0.4)) name += " " + pick_part(random, kKinds);
  return tongue == Tongue::kMalay ? upper(name) : random.chance(0.5) ? capital(name) : name;
}

std::string reference_code(Random& random) {
  return from_pattern(random,
                      pick_part(random,
                                "INV-Y-dddd|AA000ddddd|dddd|ddddd|dddddddd|ddddAddd|Y/dddd|Y/ddd|AAAdddddddd|A-dddddd|"
                                "ddddd/ddd/Adddd|AA-AA-dddddd|Addd-ddddA|ddd|ddddddd|AAA.dd.dddd|AAAAY/ddddd|#ddddd"));
}

std::string article_code(Random& random) {
  return from_pattern(random, pick_part(random, "dddddd|Add|AAdddd|955dddddddddd|AAA-ddd|dddd|AA-d/dd"));
}

std::string phone_number(Random& random, Tongue tongue) {
  const std::string_view patterns =
      tongue == Tongue::kMalay
          ? "0d-dddddddd|0d-dddd dddd|0dd-ddddddd|+60d-dddd dddd|(603) dddd dddd|0d dddddddd|0d - dddd dddd"
          : "+dd ddd dddddd|0ddd/ddddd|0dd ddd dddd|(0dd) dddd-ddd|0ddddddddd";
  return from_pattern(random, pick_part(random, patterns));
}

std::string registration_number(Random& random) {
  return from_pattern(random,
                      pick_part(random, "ddddd-A|dddddd-A|ddddddd-A|dddddd A|00ddddddd-A|00dddddddA|AAddddddd-A"));
}

std::string tax_number(Random& random, Tongue tongue) {
  constexpr PerTongue<std::string_view> kPrefixes = {"GB", "DE", "FR", "ESB", "IT", "NL", "PT", "00"};
  const int n = tongue == Tongue::kMalay ? 10 : 9;
  std::string number = digits(random, n);
  if (random.chance(0.2)) number.insert(static_cast<size_t>(n / 2), " ");
  return std::string(of(kPrefixes, tongue)) + number;
}

std::string bank_account(Random& random, Tongue tongue) {
  constexpr PerTongue<std::string_view> kPrefixes = {"GB", "DE", "FR", "ES", "IT", "NL", "PT", "MY"};
  std::string account = std::string(of(kPrefixes, tongue)) + from_pattern(random, "dd dddd dddd dddd dddd");
  return account;
}

std::string web_name(std::string_view brand) {
  std::string result;
  for (const char c : brand) {
    if (c >= 'A' && c <= 'Z')
      result += static_cast<char>(c + 32);
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      result += c;
  }
  return result + ".example";
}

}  // namespace understudy::examples
