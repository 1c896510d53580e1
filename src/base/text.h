/* Words that people mistype. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/* Levenshtein distance: the fewest single-character changes that turn a into b. At most 63 characters of each
 * count. */
int text_distance(const char *a, const char *b);

enum { TEXT_FAR = 1000 };
/* How far `word` is from `name`, or from what stands behind its dot, as people leave a key's section out;
 * TEXT_FAR where more than a third of the word would have to change, so that nobody can have meant it. */
int text_miss(const char *word, const char *name);

#endif
