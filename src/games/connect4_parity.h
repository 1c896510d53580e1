/* Who is bound to get which squares at the end of a Connect Four game: a bound of a position's score without
 * search, after V. Allis, "A Knowledge-based Approach of Connect-Four" (1988), whose rules of claimeven,
 * baseinverse and odd threats are joined here into one strategy.
 *
 * Let the player to move be M and the other F, who follows up: whenever M plays, F answers on top of it. A
 * column with an even number of empty squares then gives M its squares in odd rows and F those in even rows,
 * counted from 1. A column with an odd number has an even row's square next; two such columns make a pair, in
 * which F answers the one with the other: M gets one of these squares or the other, and F the even rows above
 * them.
 *
 * - The first player to move: there is an even number of odd columns, so F always has an answer. If M cannot
 *   make four of all that it may get, M does not win; if F then makes four of what F surely gets, M loses.
 * - The second player to move: one odd column is left over. If F has a threat in an odd row there, M must
 * play below it in the end, since F answers everything else; so if M cannot make four before, M loses.
 *
 * F wins as soon as M plays below a square that F threatens and is to get, so what lies above is never M's.
 */
#ifndef GAMES_CONNECT4_PARITY_H
#define GAMES_CONNECT4_PARITY_H

#include "games/connect4_bits.h"

enum { C4_NO_BOUND = 64 };

/* The squares above these, in their columns. */
static inline uint64_t c4_above(uint64_t squares) {
  uint64_t above = 0;
  for (int i = 1; i < C4_ROWS; i++) above |= squares = squares << 1 & C4_BOARD;
  return above;
}

/* The highest score (connect4_solver.h) that the player to move can still have, or C4_NO_BOUND. It cannot win
 * at once; `threats` are the squares, reachable or not, that complete four for the other player. */
static inline int c4_parity_bound(uint64_t mover, uint64_t all, uint64_t threats) {
  uint64_t empty = C4_BOARD & ~all, next_even = c4_playable(all) & C4_EVEN_ROWS;
  uint64_t answered = threats & C4_EVEN_ROWS & ~next_even;
  uint64_t reach = mover | (((empty & C4_ODD_ROWS) | next_even) & ~c4_above(answered));
  if (bits_count(all) % 2 == 0) {
    if (c4_has_four(reach)) return C4_NO_BOUND;
    return c4_has_four((mover ^ all) | (empty & C4_EVEN_ROWS & ~next_even)) ? -1 : 0;
  }
  int bound = C4_NO_BOUND;
  for (uint64_t left = threats & C4_ODD_ROWS; left; left &= left - 1) {
    uint64_t threat = left & -left, column = c4_column(__builtin_ctzll(threat) / C4_STRIDE);
    if (!(next_even & column)) continue;
    uint64_t below = empty & C4_EVEN_ROWS & column & (threat - 1);
    if (c4_has_four((reach & ~(empty & column)) | below)) continue;
    /* At the latest F wins when nothing is left but the squares above the threat: one in the fifth row, three
     * in the third. */
    int score = threat & C4_BOTTOM << 2 ? -2 : -1;
    if (score < bound) bound = score;
  }
  return bound;
}

#endif
