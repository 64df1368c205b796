#include "generate/fields.h"

namespace understudy::examples {
namespace {

struct FieldRow {
  Field field;
  FieldKind kind;
  std::string_view names;
  PerTongue<std::string_view> labels;  // in the order of Tongue
};

constexpr auto kText = FieldKind::kText;
constexpr auto kAmount = FieldKind::kAmount;

constexpr std::array<FieldRow, kFields> kRows = {{
    {Field::kSeller,
     kText,
     "seller|company|shop|issuer|sender|merchant|from|supplier_name|company_name|business|store",
     {"From|Seller|Supplier|Issued by", "Von|Verkäufer|Lieferant|Absender", "De|Vendeur|Fournisseur|Émetteur",
      "De|Vendedor|Proveedor|Emisor", "Da|Venditore|Fornitore|Emittente", "Van|Verkoper|Leverancier|Afzender",
      "De|Vendedor|Fornecedor|Emitente", "FROM|SOLD BY|ISSUED BY|OWNED BY"}},
    {Field::kAddress,
     kText,
     "address|location|seller_address|where|full_address|street_and_place|company_address|premises",
     {"Address", "Anschrift|Adresse", "Adresse", "Dirección|Domicilio", "Indirizzo", "Adres", "Morada|Endereço",
      "ADDRESS|ADD|ALAMAT"}},
    {Field::kNumber,
     kText,
     "number|invoice_number|doc_no|reference|receipt_no|document|bill_no|invoice_no|ref|slip",
     {"Invoice No.|Invoice number|Invoice #|Bill no|Reference|Document no.",
      "Rechnungsnummer|Rechnung Nr.|Re.-Nr.|Beleg-Nr.|Rechnungs-Nr.",
      "Facture n°|N° de facture|Numéro de facture|Réf. facture", "Factura n.º|N.º de factura|Número de factura|Factura",
      "Fattura n.|Numero fattura|N. documento|Fattura nr.", "Factuurnummer|Factuur nr.|Factuurnr.|Bonnummer",
      "Fatura n.º|N.º da fatura|Número da fatura|Documento",
      "INVOICE NO|DOC NO.|RECEIPT NO|INV NO.|BILL NO|INVOICE #|RECEIPT #|BILL#|SLIP NO.|TAX INVOICE NO"}},
    {Field::kDate,
     FieldKind::kDate,
     "date|day|invoice_date|dated|date_of_issue|when|receipt_date|doc_date|written_on",
     {"Date|Invoice date|Issued|Date of issue|Dated", "Datum|Rechnungsdatum|Ausgestellt am|Belegdatum",
      "Date|Date de facture|Émise le|Date d'émission", "Fecha|Fecha de factura|Emitida el|Fecha de emisión",
      "Data|Data fattura|Emessa il|Data documento", "Datum|Factuurdatum|Opgesteld op",
      "Data|Data da fatura|Emitida em|Data de emissão", "DATE|DATE|BILL DATE|INV DATE|DATED|TIME"}},
    {Field::kTotal,
     kAmount,
     "total|sum|grand_total|to_pay|total_amount|amount|payable|total_paid|final_amount|gross",
     {"Total|Total due|Amount payable|Grand total|Balance due|Total to pay",
      "Gesamtbetrag|Rechnungsbetrag|Summe|Zu zahlen|Endbetrag|Gesamt brutto",
      "Total TTC|Net à payer|Montant total|Total à payer", "Total|Importe total|Total a pagar|Total factura",
      "Totale|Totale fattura|Importo totale|Totale da pagare", "Totaal|Totaalbedrag|Te betalen|Totaal incl. btw",
      "Total|Valor total|Total a pagar|Total da fatura",
      "TOTAL|GRAND TOTAL|NET TOTAL|NETT TOTAL|TOTAL DUE|TOTAL AMOUNT|AMOUNT DUE|TOTAL PAYABLE"}},
    {Field::kCurrency,
     FieldKind::kCurrency,
     "currency|money|currency_code|ccy|coin|cur",
     {"Currency|All amounts in", "Währung|Alle Beträge in", "Devise|Montants en", "Moneda|Importes en",
      "Valuta|Importi in", "Valuta|Bedragen in", "Moeda|Valores em", "CURRENCY|AMOUNTS IN"}},
    {Field::kTax,
     kAmount,
     "tax|taxes|sales_tax|tax_total|vat|gst|duty",
     {"VAT|Tax|VAT 20%|Sales tax|Tax amount", "MwSt.|USt. 19%|Mehrwertsteuer|zzgl. 19% MwSt.|MwSt. 7%",
      "TVA|TVA 20%|Montant TVA|TVA 5,5%", "IVA|IVA 21%|Cuota IVA|IVA (10%)", "IVA|IVA 22%|Imposta|IVA 10%",
      "BTW|BTW 21%|Btw-bedrag|BTW 9%", "IVA|IVA 23%|Imposto|IVA (6%)",
      "GST 6%|TOTAL GST|GST @6%|TAX|GST|SST 6%|ADD GST 6%"}},
    {Field::kSubtotal,
     kAmount,
     "subtotal|net|net_amount|before_tax|base|sub_total|taxable",
     {"Subtotal|Net|Net amount|Total excl. VAT", "Zwischensumme|Netto|Nettobetrag|Summe netto",
      "Sous-total|Total HT|Montant HT", "Subtotal|Base imponible|Neto", "Subtotale|Imponibile|Netto",
      "Subtotaal|Netto|Totaal excl. btw", "Subtotal|Valor líquido|Base tributável",
      "SUBTOTAL|SUB TOTAL|SUB-TOTAL|TOTAL (EXCL GST)|TOTAL SALES (EXCL. TAX)|AMOUNT BEFORE TAX"}},
    {Field::kDue,
     FieldKind::kDate,
     "due|due_date|pay_by|deadline|payment_date|payable_until",
     {"Due date|Payment due|Pay by|Due", "Fällig am|Zahlbar bis|Fälligkeit",
      "Échéance|À payer avant le|Date d'échéance", "Vencimiento|Fecha de vencimiento|Pagar antes del",
      "Scadenza|Da pagare entro il|Data scadenza", "Vervaldatum|Te betalen voor|Vervalt op",
      "Vencimento|Data de vencimento|Pagar até", "DUE DATE|PAY BEFORE"}},
    {Field::kCustomer,
     kText,
     "customer|buyer|bill_to|client|recipient|sold_to|customer_name",
     {"Bill to|Customer|Sold to|Client", "An|Kunde|Rechnung an|Empfänger", "Client|Facturé à|À",
      "Cliente|Facturar a|Para", "Cliente|Spett.le|Destinatario", "Klant|Aan|Factuur aan", "Cliente|Para|Faturar a",
      "BILL TO|CUSTOMER|SOLD TO|MEMBER"}},
    {Field::kCustomerAddress,
     kText,
     "customer_address|buyer_address|ship_to|delivered_at|client_address",
     {"Deliver to|Ship to", "Lieferanschrift|Lieferung an", "Livraison|Adresse de livraison",
      "Entregar en|Dirección de entrega", "Consegna a|Luogo di consegna", "Afleveradres|Bezorgen bij",
      "Entregar em|Local de entrega", "DELIVER TO|SHIP TO"}},
    {Field::kOrder,
     kText,
     "order|order_number|purchase_order|po|order_ref|order_no",
     {"Order|PO number|Your order|Order no.", "Bestellnummer|Ihre Bestellung|Auftrag Nr.",
      "Commande n°|Votre commande|Bon de commande", "Pedido|N.º de pedido|Su pedido", "Ordine|Ordine n.|Vs. ordine",
      "Ordernummer|Uw order|Bestelnummer", "Encomenda|N.º de encomenda|Pedido", "ORDER NO|ORDER#|PO NO.|TRANS NO"}},
    {Field::kCustomerNumber,
     kText,
     "customer_number|client_no|client_id|customer_no|member_no",
     {"Customer no.|Account|Client ID", "Kundennummer|Kd.-Nr.|Kunden-Nr.", "N° client|Code client",
      "N.º de cliente|Código cliente", "Codice cliente|N. cliente", "Klantnummer|Debiteurnr.",
      "N.º de cliente|Código do cliente", "MEMBER NO|CUSTOMER ID|A/C NO"}},
    {Field::kPhone,
     kText,
     "phone|telephone|tel|phone_number|call",
     {"Tel.|Phone|Telephone", "Tel.|Telefon|Fon", "Tél.|Téléphone", "Tel.|Teléfono", "Tel.|Telefono", "Tel.|Telefoon",
      "Tel.|Telefone", "TEL|TEL NO|TEL.|PHONE|T|HP"}},
    {Field::kFax,
     kText,
     "fax|fax_number|telefax",
     {"Fax", "Fax|Telefax", "Fax|Télécopie", "Fax", "Fax", "Fax", "Fax", "FAX|FAX NO|F"}},
    {Field::kTaxNumber,
     kText,
     "tax_number|tax_id|vat_number|gst_number|vat_id|gst_id",
     {"VAT no.|VAT Reg. No.|Tax ID", "USt-IdNr.|Steuernummer|USt-ID", "N° TVA|TVA intracom.", "NIF|CIF",
      "P. IVA|Partita IVA", "BTW-nr.|BTW-nummer", "NIF|Contribuinte",
      "GST ID|GST REG NO|GST NO.|GST REG. NO|GST ID NO|SST NO"}},
    {Field::kRegistration,
     kText,
     "registration|company_number|reg_no|registration_number|roc",
     {"Company no.|Reg. no.", "HRB|Registernummer", "SIRET|RCS", "Reg. Merc.|Registro", "REA|C.F.", "KvK|KvK-nr.",
      "Matrícula|Registo", "CO. REG. NO|REG NO|ROC NO.|COMPANY NO|CO. NO"}},
    {Field::kCash,
     kAmount,
     "cash|paid|tendered|given|received",
     {"Cash|Paid|Amount tendered", "Bar|Gegeben|Bezahlt", "Espèces|Reçu|Payé", "Efectivo|Entregado|Recibido",
      "Contanti|Pagato|Ricevuto", "Contant|Ontvangen|Betaald", "Dinheiro|Recebido|Pago",
      "CASH|TENDER|PAID|CASH TENDERED|AMOUNT PAID|PAY CASH"}},
    {Field::kChange,
     kAmount,
     "change|returned|given_back|change_due",
     {"Change|Change due", "Rückgeld|Zurück", "Rendu|Monnaie rendue", "Cambio|Devuelto", "Resto", "Wisselgeld|Terug",
      "Troco", "CHANGE|CHANGE DUE|BALANCE"}},
    {Field::kRounding,
     kAmount,
     "rounding|rounded|rounding_adjustment",
     {"Rounding", "Rundung", "Arrondi", "Redondeo", "Arrotondamento", "Afronding", "Arredondamento",
      "ROUNDING|ROUNDING ADJ|ROUND|ROUNDING ADJUSTMENT|ROUND ADJ"}},
    {Field::kTime,
     kText,
     "time|hour|clock|time_of_sale",
     {"Time", "Uhrzeit|Zeit", "Heure", "Hora", "Ora", "Tijd", "Hora", "TIME"}},
    {Field::kCashier,
     kText,
     "cashier|served_by|staff|clerk|operator",
     {"Served by|Cashier|Your contact", "Es bediente Sie|Bearbeiter|Kasse", "Servi par|Caissier|Votre contact",
      "Atendido por|Cajero", "Operatore|Cassiere", "Kassier|Bediend door", "Atendido por|Operador",
      "CASHIER|SALESPERSON|SERVED BY|OPERATOR|STAFF|WAITER|S/P"}},
    {Field::kAccount,
     kText,
     "account|iban|bank_account|pay_into",
     {"Account|IBAN|Bank", "IBAN|Bankverbindung|Konto", "IBAN|Compte", "IBAN|Cuenta", "IBAN|Conto", "IBAN|Rekening",
      "IBAN|Conta", "ACC NO|BANK A/C"}},
    {Field::kEmail,
     kText,
     "email|mail|e_mail|mail_address",
     {"E-mail|Email", "E-Mail", "E-mail|Courriel", "Correo|E-mail", "E-mail", "E-mail", "E-mail|Correio",
      "EMAIL|E-MAIL"}},
}};

constexpr PerTongue<std::string_view> kInvoiceTitles = {"Invoice|INVOICE|Tax invoice|Sales invoice|Pro forma invoice",
                                                        "Rechnung|RECHNUNG|Verkaufsrechnung",
                                                        "Facture|FACTURE|Facture de vente",
                                                        "Factura|FACTURA|Factura de venta",
                                                        "Fattura|FATTURA|Fattura di vendita",
                                                        "Factuur|FACTUUR|Verkoopfactuur",
                                                        "Fatura|FATURA|Fatura-recibo",
                                                        "TAX INVOICE|INVOICE|CASH BILL|CREDIT NOTE|OFFICIAL RECEIPT"};
constexpr PerTongue<std::string_view> kReceiptTitles = {
    "Receipt|RECEIPT|Sales receipt|VAT receipt",
    "Kassenbon|Quittung|BELEG|Kassenbeleg",
    "Ticket de caisse|REÇU|Ticket",
    "Recibo|TICKET|Factura simplificada",
    "Scontrino|RICEVUTA|Documento commerciale",
    "Kassabon|BON|Kwitantie",
    "Recibo|TALÃO|Fatura simplificada",
    "TAX INVOICE|TAX INVOICE|SIMPLIFIED TAX INVOICE|RECEIPT|CASH RECEIPT|-TAX INVOICE-|INVOICE|CASH SALE|CASH BILL"};
constexpr PerTongue<std::string_view> kThanks = {
    "Thank you for your business|Please keep this slip|Goods remain ours until paid|See you soon|Returns within 30 "
    "days",
    "Vielen Dank für Ihren Einkauf|Bitte aufbewahren|Auf Wiedersehen|Umtausch binnen 14 Tagen",
    "Merci de votre visite|À bientôt|Conservez ce ticket|Échange sous 15 jours",
    "Gracias por su compra|Hasta pronto|Conserve este ticket|Cambios en 15 días",
    "Grazie della visita|Arrivederci|Conservare lo scontrino",
    "Bedankt voor uw aankoop|Tot ziens|Bewaar deze bon",
    "Obrigado pela visita|Até breve|Guarde este recibo",
    "THANK YOU|PLEASE VISIT AGAIN|NO REFUND FOR GOODS SOLD|KEEP THIS SLIP FOR EXCHANGE|THANKS, SEE YOU SOON|TERIMA "
    "KASIH|PRICES INCLUDE TAX|EXCHANGE IN 5 DAYS ONLY|OPEN DAILY 9 TO 9|FIND US ONLINE"};

const FieldRow& row_of(Field field) {
  return kRows[static_cast<size_t>(field)];
}

}  // namespace

FieldKind kind_of(Field field) {
  return row_of(field).kind;
}
std::string_view labels(Field field, Tongue tongue) {
  return row_of(field).labels[static_cast<size_t>(tongue)];
}
std::string_view pretraining_names(Field field) {
  return row_of(field).names;
}
std::string_view invoice_titles(Tongue tongue) {
  return kInvoiceTitles[static_cast<size_t>(tongue)];
}
std::string_view receipt_titles(Tongue tongue) {
  return kReceiptTitles[static_cast<size_t>(tongue)];
}
std::string_view thanks(Tongue tongue) {
  return kThanks[static_cast<size_t>(tongue)];
}

}  // namespace understudy::examples
