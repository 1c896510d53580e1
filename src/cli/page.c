#include "cli/page.h"

#include "base/memory.h"
#include "base/version.h"
#include "cli/markup.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_POINTS = 12 }; /* of a series, in the numbers beneath a plot */

struct Page {
  Buffer lead, contents, body; /* the table of contents stands between the other two */
  char *title;
  const char *svg; /* where plots go as files of their own; NULL: nowhere */
  bool in_section, in_list, in_row, in_figures;
};

static const char style_sheet[] =
    ":root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{font:1rem/1.55 system-ui,sans-serif;margin:0;color:#222;background:#fff}"
    "main,header,footer,nav{max-width:84rem;margin:0 auto;padding:0 "
    "1rem}h1{font-size:1.6rem;line-height:1.25;margin:1.2rem 0 .4rem}"
    "h2{font-size:1.3rem;margin:2.2rem 0 .6rem;padding-top:.6rem;border-top:1px solid "
    "#8885}h3{font-size:1.05rem;margin:1.4rem 0 .4rem}"
    "p,li{max-width:46rem}.answer{font-size:1.2rem;line-height:1.45;border-left:.3rem solid "
    "#0072b2;padding:.2rem 0 .2rem .9rem}"
    "a{color:#00609a}nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.4rem "
    ".8rem;z-index:2}"
    ":focus-visible{outline:3px solid #d55e00;outline-offset:2px}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:."
    "95rem}"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}td,th{padding:.25rem .8rem .25rem "
    "0;text-align:right;"
    "vertical-align:top;border-bottom:1px solid #8884}th:first-child,thead th:first-child{text-align:left}"
    "th{font-weight:600}tbody th{font-weight:400}"
    "code{font-size:.92em;background:#8882;padding:.05em .3em;border-radius:.2em;overflow-wrap:anywhere}"
    "pre{overflow-x:auto;background:#8882;padding:.7rem;border-radius:.3rem}pre "
    "code{background:none;padding:0;overflow-wrap:normal}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr));gap:1rem "
    "2.5rem}"
    "figure{margin:1rem 0;min-width:0;display:flex;flex-direction:column}figcaption{flex:0 0 auto}figcaption "
    "p{margin:.2rem 0 .6rem;font-size:.95rem}"
    "svg{display:block;width:100%;max-width:44rem;height:auto}details{margin:.4rem "
    "0}summary{cursor:pointer;padding:.2rem 0}"
    ".axes{position:sticky;top:0;z-index:1;background:#fff;border:0;border-bottom:1px solid "
    "#8885;margin:0;padding:.5rem 0;"
    "display:flex;flex-wrap:wrap;gap:.2rem 1rem}.axes legend{float:left;padding:0;margin-right:.2rem}.axes "
    "label{white-space:nowrap}"
    "footer{margin:3rem auto 2rem;border-top:1px solid #8885;padding-top:.8rem;font-size:.92rem}"
    "@supports selector(:has(*)){@media screen{"
    "main:has(#axis-1:checked) .on-2,main:has(#axis-1:checked) .on-3,main:has(#axis-2:checked) .on-1,"
    "main:has(#axis-2:checked) .on-3,main:has(#axis-3:checked) .on-1,main:has(#axis-3:checked) "
    ".on-2{display:none}}}"
    "@media print{.axes,.skip,nav{display:none}}"
    "@media(prefers-color-scheme:dark){body,.axes,.skip:focus{color:#ddd;background:#16181d}.answer{border-"
    "color:#58b4ec}"
    "a{color:#7cc4f4}}";

/* Whatever must be closed before the next block begins. */
static void end_inline(Page *page) {
  if (page->in_list) buffer_printf(&page->body, "</ul>\n");
  if (page->in_figures) buffer_printf(&page->body, "</div>\n");
  page->in_list = page->in_figures = false;
}

static void end_row(Page *page) {
  if (page->in_row) buffer_printf(&page->body, "</tr>\n");
  page->in_row = false;
}

static void put_format(Buffer *out, void (*put)(Buffer *, const char *), const char *format, va_list args) {
  char *text;
  if (vasprintf(&text, format, args) < 0) return; /* out of memory for one sentence */
  put(out, text);
  free(text);
}

Page *page_new(const char *title) {
  Page *page = memory_new(1, sizeof *page);
  page->title = memory_new(strlen(title) + 1, 1);
  strcpy(page->title, title);
  return page;
}

void page_free(Page *page) {
  if (!page) return;
  buffer_free(&page->lead);
  buffer_free(&page->contents);
  buffer_free(&page->body);
  free(page->title);
  free(page);
}

void page_lead(Page *page, const char *question, const char *answer) {
  buffer_printf(&page->lead, "<p>");
  markup_prose(&page->lead, question);
  buffer_printf(&page->lead, "</p>\n<p class=\"answer\">");
  markup_prose(&page->lead, answer);
  buffer_printf(&page->lead, "</p>\n");
}

void page_section(Page *page, const char *id, const char *heading) {
  end_inline(page);
  if (page->in_section) buffer_printf(&page->body, "</section>\n");
  page->in_section = true;
  buffer_printf(&page->body, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">", id, id);
  markup_text(&page->body, heading);
  buffer_printf(&page->body, "</h2>\n");
  buffer_printf(&page->contents, "<li><a href=\"#%s\">", id);
  markup_text(&page->contents, heading);
  buffer_printf(&page->contents, "</a></li>\n");
}

void page_heading(Page *page, const char *heading) {
  end_inline(page);
  buffer_printf(&page->body, "<h3>");
  markup_text(&page->body, heading);
  buffer_printf(&page->body, "</h3>\n");
}

void page_text(Page *page, const char *format, ...) {
  va_list args;
  end_inline(page);
  buffer_printf(&page->body, "<p>");
  va_start(args, format);
  put_format(&page->body, markup_prose, format, args);
  va_end(args);
  buffer_printf(&page->body, "</p>\n");
}

void page_item(Page *page, const char *format, ...) {
  va_list args;
  if (!page->in_list) end_inline(page);
  buffer_printf(&page->body, page->in_list ? "<li>" : "<ul>\n<li>");
  page->in_list = true;
  va_start(args, format);
  put_format(&page->body, markup_prose, format, args);
  va_end(args);
  buffer_printf(&page->body, "</li>\n");
}

void page_command(Page *page, const char *command) {
  end_inline(page);
  buffer_printf(&page->body, "<pre tabindex=\"0\"><code>");
  markup_text(&page->body, command);
  buffer_printf(&page->body, "</code></pre>\n");
}

void page_table(Page *page, const char *caption, const char *const *columns, int count) {
  Buffer *out = &page->body;
  end_inline(page);
  buffer_printf(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
  markup_text(out, caption);
  buffer_printf(out, "\"><table><caption>");
  markup_text(out, caption);
  buffer_printf(out, "</caption><thead><tr>");
  for (int c = 0; c < count; c++) {
    buffer_printf(out, "<th scope=\"col\">");
    markup_text(out, columns[c]);
    buffer_printf(out, "</th>");
  }
  buffer_printf(out, "</tr></thead><tbody>\n");
}

void page_row(Page *page, const char *heading) {
  end_row(page);
  page->in_row = true;
  buffer_printf(&page->body, "<tr><th scope=\"row\">");
  markup_text(&page->body, heading);
  buffer_printf(&page->body, "</th>");
}

void page_cell(Page *page, const char *format, ...) {
  va_list args;
  buffer_printf(&page->body, "<td>");
  va_start(args, format);
  put_format(&page->body, markup_text, format, args);
  va_end(args);
  buffer_printf(&page->body, "</td>");
}

void page_table_end(Page *page) {
  end_row(page);
  buffer_printf(&page->body, "</tbody></table></div>\n");
}

void page_fold(Page *page, const char *summary) {
  end_inline(page);
  buffer_printf(&page->body, "<details><summary>");
  markup_text(&page->body, summary);
  buffer_printf(&page->body, "</summary>\n");
}

void page_fold_end(Page *page) {
  end_inline(page);
  buffer_printf(&page->body, "</details>\n");
}

void page_axes(Page *page, const char *const *labels, int count, int first) {
  Buffer *out = &page->body;
  end_inline(page);
  buffer_printf(out, "<fieldset class=\"axes\"><legend>Plots against</legend>");
  for (int a = 1; a <= count; a++) {
    buffer_printf(out, "<label><input type=\"radio\" name=\"axis\" id=\"axis-%d\"%s> ", a,
                  a == first ? " checked" : "");
    markup_text(out, labels[a - 1]);
    buffer_printf(out, "</label>");
  }
  buffer_printf(out, "<label><input type=\"radio\" name=\"axis\" id=\"axis-all\"> all</label></fieldset>\n");
}

static void put_value(Page *page, double value) {
  if (isfinite(value))
    page_cell(page, "%.4g", value);
  else
    page_cell(page, "–");
}

/* The numbers behind a plot; of long series TABLE_POINTS points, the first and the last among them. */
static void put_numbers(Page *page, const Plot *plot) {
  bool intervals = false, thinned = false;
  for (int s = 0; s < plot->count; s++) {
    intervals = intervals || plot->series[s].low;
    thinned = thinned || plot->series[s].count > TABLE_POINTS;
  }
  char caption[256];
  const char *columns[] = {"series", plot->x_label, plot->y_label, "95% from", "to"};
  snprintf(caption, sizeof caption, "%s%s", plot->title, thinned ? " (some of the points)" : "");
  page_fold(page, "The numbers");
  page_table(page, caption, columns, intervals ? 5 : 3);
  for (int s = 0; s < plot->count; s++) {
    const PlotSeries *series = &plot->series[s];
    int shown = series->count < TABLE_POINTS ? series->count : TABLE_POINTS;
    for (int k = 0; k < shown; k++) {
      int i = shown > 1 ? (int)((int64_t)k * (series->count - 1) / (shown - 1)) : 0;
      page_row(page, series->title);
      put_value(page, series->x[i]);
      put_value(page, series->y[i]);
      if (intervals) put_value(page, series->low ? series->low[i] : NAN);
      if (intervals) put_value(page, series->high ? series->high[i] : NAN);
    }
  }
  page_table_end(page);
  page_fold_end(page);
}

void page_svg(Page *page, const char *folder) {
  page->svg = folder;
}

static bool write_svg(const Page *page, const Plot *plot, Error *err) {
  char path[FILE_PATH_MAX];
  if (!page->svg) return true;
  snprintf(path, sizeof path, "%.*s/%s.svg", FILE_PATH_MAX - 80, page->svg, plot->id);
  return file_make_folder(page->svg, err) && plot_write(&plot, 1, 1, path, err);
}

bool page_figure(Page *page, const char *caption, const Plot *plots, int count, Error *err) {
  Buffer *out = &page->body;
  if (!page->in_figures) {
    end_inline(page);
    buffer_printf(out, "<div class=\"figures\">\n");
  }
  page->in_figures = false; /* while its own tables are written */
  buffer_printf(out, "<figure><figcaption><h3>");
  markup_text(out, count ? plots[0].title : "");
  buffer_printf(out, "</h3><p>");
  markup_prose(out, caption);
  buffer_printf(out, "</p></figcaption>\n");
  for (int p = 0; p < count; p++) {
    if (plot_empty(&plots[p])) continue;
    buffer_printf(out, plots[p].axis ? "<div class=\"on-%d\">" : "<div>", plots[p].axis);
    if (!plot_svg(&plots[p], out, err) || !write_svg(page, &plots[p], err)) return false;
    put_numbers(page, &plots[p]);
    buffer_printf(out, "</div>\n");
  }
  buffer_printf(out, "</figure>\n");
  page->in_figures = true;
  return true;
}

bool page_write(Page *page, const char *command, const char *path, Error *err) {
  Buffer html = {0};
  end_inline(page);
  buffer_printf(
      &html,
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\"><link rel=\"icon\" href=\"data:,\"><title>");
  markup_text(&html, page->title);
  buffer_printf(&html,
                "</title><style>%s%s</style></head>\n<body><a class=\"skip\" href=\"#content\">Skip to the "
                "content</a>\n"
                "<header><h1>",
                style_sheet, plot_css());
  markup_text(&html, page->title);
  buffer_printf(&html, "</h1>\n");
  buffer_put(&html, page->lead.data, page->lead.size);
  buffer_printf(&html, "</header>\n<nav aria-label=\"Contents\"><ul>\n");
  buffer_put(&html, page->contents.data, page->contents.size);
  buffer_printf(&html, "</ul></nav>\n<main id=\"content\">\n");
  buffer_put(&html, page->body.data, page->body.size);
  buffer_printf(&html, "%s</main>\n<footer><p>This page again:</p><pre tabindex=\"0\"><code>",
                page->in_section ? "</section>\n" : "");
  markup_text(&html, command);
  buffer_printf(
      &html,
      "</code></pre><p>Made by selfplay %s. This file is complete in itself: it loads nothing.</p></footer>\n"
      "</body></html>\n",
      version_text());
  bool done = file_write(path, html.data, html.size, err);
  buffer_free(&html);
  return done;
}
