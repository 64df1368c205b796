// The layouts themselves. No layout of the demo is a layout of pre-training: tests/examples compare ids and lines.
#include <array>

#include "generate/invoices.h"

namespace understudy::examples {
namespace {

constexpr Layout kPretraining[] = {
    {"letterhead",
     "{seller}\n{address}\n?{phone:}\n\n{title} "
     "{number}\n{date:}\n?{due:}\n?{order:}\n\n{customer=}\n{customer}\n\n{items}\n{rule}\n{subtotal:}\n{tax:}\n{total:"
     "}\n\n{thanks}"},
    {"title-first",
     "{title}\n{number:}\n{date:}\n{seller:}\n?{tax_no:}\n{customer:}\n?{customer_no:}\n{items}\n{subtotal:}\n{tax:}\n{"
     "total:}\n?{due:}"},
    {"two-columns",
     "{seller} {title}\n{number:} {date:}\n{customer:}\n{items}\n{subtotal:} {tax:}\n{total:}\n?{account:}"},
    {"total-on-top",
     "{title} {number:}\n{total:}\n{due:}\n{seller}\n{date:}\n?{order:}\n{items}\n?{subtotal:}\n{tax:}"},
    {"seller-at-foot",
     "{title}\n{customer}\n{customer_address}\n{date:}\n{number:}\n{items}\n{subtotal:}\n{tax:}\n{total:}\n{rule}\n{"
     "seller}\n?{address,}\n?{account:}\n?{email:}"},
    {"labels-above",
     "{seller=}\n{seller}\n{number=}\n{number}\n{date=}\n{date}\n{customer=}\n{customer}\n{items}\n{tax=}\n{tax}\n{"
     "total=}\n{total}\n?{due:}"},
    {"currency-apart",
     "{seller}\n{title} {number}\n{currency:}\n{date:}\n{due:}\n{items}\n{subtotal:}\n{tax:}\n{total:}"},
    {"letter",
     "{seller}, {address,}\n{date}\n\n{dear} "
     "{customer},\n\n{number:}\n?{order:}\n{items}\n{tax:}\n{total:}\n?{due:}\n{thanks}\n?{cashier}"},
    {"pipe-table",
     "| {title} | {number} |\n| {date=} | {date} |\n| {seller=} | {seller} |\n| {customer=} | {customer} |\n{items}\n| "
     "{tax=} | {tax} |\n| {total=} | {total} |\n?| {due=} | {due} |"},
    {"mail",
     "{email:}\n{date:}\n{title} {number}\n\n{dear} "
     "{customer},\n{order:}\n{total:}\n?{subtotal:}\n{tax:}\n{due:}\n\n{seller}\n?{phone:}\n?{tax_no:}"},
    {"delivery",
     "{seller}\n{address}\n{order:}\n{date:}\n{customer:}\n{customer_address=}\n{customer_address}\n{items}\n{number:}"
     "\n?{total:}\n{thanks}"},
    {"form",
     "{number:}\n{date:}\n{due:}\n{order:}\n{customer_no:}\n{seller:}\n{tax_no:}\n{customer:}\n{subtotal:}\n{tax:}\n{"
     "total:}"},
    {"slip", "{seller}\n{number:} {time:}\n{items}\n{total:}\n{tax:}\n{cash:}\n{change:}\n{date}\n{thanks}"},
    {"statement",
     "{title} {date}\n{seller} ({reg:})\n{phone:} "
     "{fax:}\n{customer}\n{number:}\n{rule}\n{items}\n{rule}\n{total:}\n{tax:}\n{account:}"},
    {"memo",
     "{title}: {number}\n{cashier:}\n{seller}\n{date:} "
     "{time}\n{order:}\n{customer:}\n{subtotal:}\n{tax:}\n{total:}\n{email:}"},
    {"narrow",
     "{seller}\n{address}\n{tax_no:}\n{title}\n{number=}\n{number}\n{date=}\n{date}\n{items}\n{subtotal=}\n{subtotal}"
     "\n{tax=}\n{tax}\n{total=}\n{total}"},
    {"due-first",
     "{due:}\n{title} "
     "{number:}\n{seller}\n{address,}\n{reg:}\n{date:}\n{customer:}\n{items}\n{total:}\n{tax:}\n{thanks}"},
    {"three-in-line",
     "{title} {seller}\n{number:} {date:} {due:}\n{customer:} {customer_no:}\n{items}\n{subtotal:} {tax:} {total:}"},
};

constexpr Layout kDemo[] = {
    {"demo-01",
     "{number:}\n{title}\n{seller}\n{address}\n{customer=}\n{customer}\n{date:} "
     "{order:}\n{items}\n{tax:}\n{subtotal:}\n{total:}\n?{thanks}"},
    {"demo-02",
     "{seller} | {address,}\n{title}\n{customer}\n{customer_address}\n{date:} "
     "{number:}\n{due:}\n{items}\n{rule}\n{subtotal:}\n{tax:}\n{rule}\n{total:}"},
    {"demo-03",
     "{date:}\n{customer:}\n{order:}\n{number:}\n\n{items}\n{subtotal:}\n{tax:}\n{total:}\n\n{seller}\n{address}\n{"
     "phone:}"},
    {"demo-04",
     "{title}\n{rule}\n{seller:}\n{number:}\n{due:}\n{date:}\n{rule}\n{items}\n{rule}\n{total:} ({tax:})\n?{account:}"},
    {"demo-05", "{dear} {customer}\n{seller}\n{title} {number} {date}\n{total:}\n{due:}\n{tax:}\n{items}\n{thanks}"},
    {"demo-06",
     "{seller}\n{tax_no:}\n{reg:}\n{title} {date}\n{number:}\n{items}\n{total:}\n{tax:}\n{cash:}\n{change:}"},
    {"demo-07",
     "{seller=}\n{seller}\n{address}\n{customer=}\n{customer}\n{customer_address}\n{title} "
     "{number}\n{date:}\n{items}\n{total:}\n{tax:}\n{subtotal:}"},
    {"demo-08",
     "* {title} *\n{seller}\n{time:} {date:}\n{number:}\n{cashier:}\n{items}\n{subtotal:}\n{tax:}\n{total:}\n* "
     "{thanks} *"},
    {"demo-09",
     "{customer}\n{customer_address}\n\n{seller}, {date}\n{title} "
     "{number}\n{order:}\n{items}\n{subtotal:}\n{tax:}\n{total:}\n{due:}"},
    {"demo-10", "{title} {number} / {date}\n{seller} > {customer}\n{currency:}\n{items}\n{tax:}\n{total:}"},
    {"demo-11",
     "{customer_no:}\n{number:}\n{order:}\n{date:}\n{title}\n{seller}\n{items}\n{rule}\n{total:}\n{rule}\n{subtotal:}"
     "\n{tax:}"},
    {"demo-12",
     "{seller}\n{phone:}\n{email:}\n{customer:}\n{title}\n{date=} {date}\n{number=} {number}\n{items}\n{subtotal=} "
     "{subtotal}\n{tax=} {tax}\n{total=} {total}"},
    {"demo-13",
     "{thanks}\n{seller}\n{address}\n{phone:} {fax:}\n{number:}\n{date:} "
     "{time}\n{items}\n{subtotal:}\n{tax:}\n{total:}\n{cash:}\n{change:}"},
    {"demo-14",
     "[{number}] {title}\n[{date}] {seller}\n[{due}] {customer}\n{items}\n[{subtotal}] {subtotal=}\n[{tax}] "
     "{tax=}\n[{total}] {total=}"},
    {"demo-15",
     "{title}: {seller}\n{address,}\n{tax_no:}\n{due:} {date:}\n{number:}\n{subtotal:}\n{tax:}\n{total:}\n{items}"},
    {"demo-16",
     "{order:}\n{title}\n{number}\n{customer:}\n{date}\n{items}\n{total:}\n{tax:}\n{seller}\n{reg:} "
     "{tax_no:}\n{account:}"},
    {"demo-17",
     "{seller}\n({address,})\n{cashier:} {time}\n{number:} "
     "{customer_no:}\n{items}\n{subtotal:}\n{rounding:}\n{total:}\n{tax:}\n{date}\n{thanks}"},
    {"demo-18", "{currency:} {title}\n{number:}\n{customer:}\n{seller:}\n{items}\n{total:}\n{tax:}\n{date:}\n{due:}"},
    {"demo-19",
     "- {title} -\n- {number:}\n- {date:}\n- {seller:}\n- {customer:}\n- {order:}\n- {total:}\n- {tax:}\n- {due:}\n- "
     "{email:}"},
    {"demo-20",
     "{date} {time}\n{seller}\n{address}\n{title} {number:}\n{items}\n{tax:} {subtotal:}\n{total:}\n{cash:} "
     "{change:}\n{thanks}"},
    {"demo-21",
     "{phone:}\n{title} {number:}\n{date:}\n{dear} "
     "{customer},\n{order:}\n{total:}\n{tax:}\n{due:}\n{account:}\n{seller}"},
    {"demo-22",
     "{seller} {phone:}\n{address,} {tax_no:}\n{rule}\n{customer:} {number:}\n{customer_no:} "
     "{date:}\n{items}\n{rule}\n{subtotal:} {tax:}\n{total:}"},
};

}  // namespace

std::span<const Layout> pretraining_layouts() {
  return kPretraining;
}
std::span<const Layout> demo_layouts() {
  return kDemo;
}

}  // namespace understudy::examples
