/* Words that people mistype. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/* Levenshtein distance: the fewest single-character changes that turn a into b. At most 63 characters of each
 * count. */
int text_distance(const char *a, const char *b);

#endif
