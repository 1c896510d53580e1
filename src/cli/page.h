/* Page: one self-contained HTML file with text, tables and plots.
 *
 * It loads nothing (its own Content-Security-Policy forbids it), runs no script, follows the reader's light
 * or dark theme, is readable on a phone, and speaks to screen readers: landmarks, a skip link, tables with
 * captions and header cells, plots with a description and their numbers beneath. All text given is plain
 * text: the page escapes it. `Text between backquotes` becomes code where it says "prose".
 *
 *   Page *page = page_new("Connect Four: does imitation help?");
 *   page_lead(page, "Does ...?", "Not within this budget: ...");
 *   page_section(page, "figures", "Key figures");
 *   page_table(page, "Strength at the end", (const char *[]){"arm", "Elo", "accuracy"}, 3);
 *   page_row(page, "from scratch");
 *   page_cell(page, "%+.0f", elo);
 *   page_cell(page, "%.1f%%", 100 * share);
 *   page_table_end(page);
 *   page_section(page, "plots", "Plots");
 *   page_axes(page, (const char *[]){"iteration", "compute", "time"}, 3, 0);
 *   page_figure(page, "Elo with 95% bands.", plots, 3, &err);       plots[i].axis = 1 + i
 *   page_write(page, "selfplay report a b", "report.html", &err);
 *   page_free(page); */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/plot.h"

typedef struct Page Page;

Page *page_new(const char *title);
void page_free(Page *page); /* NULL is fine */
/* The head of the page: the question, and its answer in one sentence. Prose. Call it first. */
void page_lead(Page *page, const char *question, const char *answer);
/* Begins a section, which the table of contents lists; ends the one before. `id`: letters, digits and '-'. */
void page_section(Page *page, const char *id, const char *heading);
/* A smaller heading inside a section. */
void page_heading(Page *page, const char *heading);
/* A paragraph of prose. */
void page_text(Page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An entry of a bulleted list; neighbouring ones are one list. Prose. */
void page_item(Page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A command line on a line of its own. */
void page_command(Page *page, const char *command);

/* A table: its column headings, then for each row its heading (the first column) and columns - 1 cells. Wide
 * tables scroll by themselves. */
void page_table(Page *page, const char *caption, const char *const *columns, int count);
void page_row(Page *page, const char *heading);
void page_cell(Page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_table_end(Page *page);
/* What is between the two can be opened and closed by the reader, and is closed at first. */
void page_fold(Page *page, const char *summary);
void page_fold_end(Page *page);

/* From here on the reader chooses by which of these axes plots are shown; the `first` (from 1) is shown at
 * first. */
void page_axes(Page *page, const char *const *labels, int count, int first);
/* From here on each plot of page_figure() is written to FOLDER/ID.svg too. The page borrows the name. */
void page_svg(Page *page, const char *folder);
/* A figure under the first plot's title: `count` plots that share a caption (prose), each followed by its
 * numbers as a table. Plots without points are left out. False with a message where gnuplot fails
 * or a plot's own file cannot be written. */
bool page_figure(Page *page, const char *caption, const Plot *plots, int count, Error *err);

/* Writes the page, atomically; with a footer that names the program's version and the command that makes it
 * again. */
bool page_write(Page *page, const char *command, const char *path, Error *err);

#endif
