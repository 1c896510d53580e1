/* The built-in arms of an experiment: names for the ways of learning that are worth comparing. */
#ifndef ARENA_COMPARE_ARMS_H
#define ARENA_COMPARE_ARMS_H

#include "arena/compare_design.h"

/* Fills in *arm but for its name: the common configuration with what the word says, as "from-scratch",
 * "dose-100" or "kept-0.25". False with a message that lists the built-in arms or says what number is wanted.
 */
bool compare_arm_build(const char *word, const RunConfig *common, CompareArm *arm, Error *err);

#endif
