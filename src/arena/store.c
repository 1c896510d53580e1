#include "arena/store.h"

#include "base/file.h"
#include "base/memory.h"
#include "games/game.h"

#include <assert.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  APPLICATION_ID = 0x53504c59, /* "SPLY": tells our files from other programs' */
  SCHEMA_VERSION = 3,          /* 2: with the rules' names; 3: after `renaming` */
  BUSY_MILLISECONDS = 60000,
};

struct Store {
  sqlite3 *db;
  char path[FILE_PATH_MAX];
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS rules (game TEXT PRIMARY KEY, hash INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS players (id INTEGER PRIMARY KEY, name TEXT NOT NULL, hash INTEGER NOT NULL,"
    " UNIQUE (name, hash));"
    "CREATE TABLE IF NOT EXISTS openings (id INTEGER PRIMARY KEY, game TEXT NOT NULL, moves TEXT NOT NULL,"
    " UNIQUE (game, moves));"
    "CREATE TABLE IF NOT EXISTS pairs (id INTEGER PRIMARY KEY, opening INTEGER NOT NULL REFERENCES openings);"
    "CREATE TABLE IF NOT EXISTS games (id INTEGER PRIMARY KEY, pair INTEGER NOT NULL REFERENCES pairs,"
    " opening INTEGER NOT NULL REFERENCES openings, first INTEGER NOT NULL REFERENCES players,"
    " second INTEGER NOT NULL REFERENCES players, moves TEXT NOT NULL, points INTEGER NOT NULL"
    " CHECK (points BETWEEN 0 AND 2), played_at TEXT NOT NULL DEFAULT (datetime('now')),"
    " UNIQUE (opening, first, second, moves));";

/* A player's name leaves defaults out. Where one changes, the names given until then are completed by what it
 * was, so that they go on to mean who played: c_scale of Gumbel's search was 1 until format 3. It stands
 * behind the visits (player_net.c). */
static const char renaming[] =
    "UPDATE players SET name = CASE instr(substr(name, instr(name, ',visits=') + 8), ',')"
    " WHEN 0 THEN name || ',scale=1'"
    " ELSE substr(name, 1, instr(name, ',visits=') + 6 + instr(substr(name, instr(name, ',visits=') + 8), "
    "','))"
    " || ',scale=1' ||"
    " substr(name, instr(name, ',visits=') + 7 + instr(substr(name, instr(name, ',visits=') + 8), ',')) END"
    " WHERE (name LIKE 'net:%' OR name LIKE 'run:%')"
    " AND name LIKE '%,visits=%' AND name NOT LIKE '%,visits=0%' AND name NOT LIKE '%,search=puct%'"
    " AND name NOT LIKE '%,scale=%';";

static bool store_fail(const Store *store, Error *err) {
  int code = sqlite3_errcode(store->db);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
    return error_set(err, "%s: damaged, or not a ratings file; move it away and a new one is made",
                     store->path);
  return error_set(err, "%s: %s", store->path, sqlite3_errmsg(store->db));
}

static bool execute(Store *store, const char *sql, Error *err) {
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(store, err);
}

/* A statement of one integer result. */
static bool query_int(Store *store, const char *sql, int *out, Error *err) {
  sqlite3_stmt *statement = NULL;
  bool fine = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
  if (fine)
    *out = sqlite3_column_int(statement, 0);
  else
    store_fail(store, err);
  sqlite3_finalize(statement);
  return fine;
}

/* Whether the file is ours and of which format; *version is 0 for one that is still empty. */
static bool check_format(Store *store, int *version, Error *err) {
  int application = 0, tables = 0;
  if (!query_int(store, "PRAGMA application_id", &application, err) ||
      !query_int(store, "PRAGMA user_version", version, err) ||
      !query_int(store, "SELECT count(*) FROM sqlite_master", &tables, err))
    return false;
  if (tables > 0 && application != APPLICATION_ID)
    return error_set(err, "%s: a database of another program; name another file", store->path);
  if (*version > SCHEMA_VERSION)
    return error_set(err, "%s: written by a newer version of selfplay (format %d, this one knows %d)",
                     store->path, *version, SCHEMA_VERSION);
  return true;
}

/* Each look at the file is one transaction: between two single reads another process may have made the
 * tables, and an empty file's application_id beside their number looks like a stranger's database. */
static bool prepare_schema(Store *store, Error *err) {
  int version = 0;
  bool fine = execute(store, "BEGIN", err) && check_format(store, &version, err);
  sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
  if (!fine || version == SCHEMA_VERSION) return fine;
  fine = execute(store, "BEGIN IMMEDIATE", err) && check_format(store, &version, err);
  if (fine && version < SCHEMA_VERSION) {
    char sql[sizeof schema + sizeof renaming + 120];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; %s %s", APPLICATION_ID,
             SCHEMA_VERSION, schema, renaming);
    fine = execute(store, sql, err);
  }
  fine = fine && execute(store, "COMMIT", err);
  if (!fine) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  return fine;
}

static bool make_folder_of(const char *path, Error *err) {
  char copy[FILE_PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  return file_make_folder(dirname(copy), err);
}

Store *store_open(const char *path, Error *err) {
  if (strlen(path) >= FILE_PATH_MAX) {
    error_set(err, "%.80s...: the path is too long", path);
    return NULL;
  }
  if (!make_folder_of(path, err)) return NULL;
  Store *store = memory_new(1, sizeof *store);
  snprintf(store->path, sizeof store->path, "%s", path);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  bool fine = sqlite3_open_v2(path, &store->db, flags, NULL) == SQLITE_OK || store_fail(store, err);
  if (fine) {
    sqlite3_extended_result_codes(store->db, 0);
    sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
    fine = prepare_schema(store, err) && execute(store, "PRAGMA foreign_keys = ON", err);
    /* Readers never wait for a writer in WAL mode. Where the switch is refused (a file system without shared
     * memory, another process switching at this moment) the old mode serves as well. */
    if (fine) sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
  }
  if (fine) return store;
  store_close(store);
  return NULL;
}

const char *store_path(const Store *store) {
  return store->path;
}

void store_close(Store *store) {
  if (!store) return;
  sqlite3_close(store->db);
  free(store);
}

/* Inserts a row unless it is there, then reads its id; both statements take the same two values. */
static bool intern(Store *store, const char *insert, const char *select, const char *text, const char *other,
                   int64_t number, int64_t *id, Error *err) {
  const char *const sql[2] = {insert, select};
  for (int k = 0; k < 2; k++) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql[k], -1, &statement, NULL) != SQLITE_OK)
      return store_fail(store, err);
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    if (other)
      sqlite3_bind_text(statement, 2, other, -1, SQLITE_STATIC);
    else
      sqlite3_bind_int64(statement, 2, number);
    int code = sqlite3_step(statement);
    bool fine = code == (k ? SQLITE_ROW : SQLITE_DONE);
    if (fine && k) *id = sqlite3_column_int64(statement, 0);
    if (!fine) store_fail(store, err);
    sqlite3_finalize(statement);
    if (!fine) return false;
  }
  return true;
}

static bool intern_player(Store *store, const StorePlayer *player, int64_t *id, Error *err) {
  return intern(store, "INSERT OR IGNORE INTO players (name, hash) VALUES (?, ?)",
                "SELECT id FROM players WHERE name = ? AND hash = ?", player->name, NULL, player->hash, id,
                err);
}

static bool intern_opening(Store *store, const char *game, const char *moves, int64_t *id, Error *err) {
  return intern(store, "INSERT OR IGNORE INTO openings (game, moves) VALUES (?, ?)",
                "SELECT id FROM openings WHERE game = ? AND moves = ?", game, moves, 0, id, err);
}

typedef struct Adding {
  Store *store;
  const char *game;
  int64_t players[2];
  sqlite3_stmt *add_pair, *add_game;
  int pair; /* the caller's number of the pair that is open, -1 for none */
  int64_t pair_id, opening_id;
  int added;
} Adding;

static bool add_game(Adding *adding, const StoreGame *game, Error *err) {
  Store *store = adding->store;
  if (game->pair != adding->pair) {
    if (!intern_opening(store, adding->game, game->opening, &adding->opening_id, err)) return false;
    sqlite3_bind_int64(adding->add_pair, 1, adding->opening_id);
    bool fine = sqlite3_step(adding->add_pair) == SQLITE_DONE || store_fail(store, err);
    sqlite3_reset(adding->add_pair);
    if (!fine) return false;
    adding->pair_id = sqlite3_last_insert_rowid(store->db);
    adding->pair = game->pair;
  }
  sqlite3_bind_int64(adding->add_game, 1, adding->pair_id);
  sqlite3_bind_int64(adding->add_game, 2, adding->opening_id);
  sqlite3_bind_int64(adding->add_game, 3, adding->players[game->swapped]);
  sqlite3_bind_int64(adding->add_game, 4, adding->players[!game->swapped]);
  sqlite3_bind_text(adding->add_game, 5, game->moves, -1, SQLITE_STATIC);
  sqlite3_bind_int(adding->add_game, 6, game->points);
  bool fine = sqlite3_step(adding->add_game) == SQLITE_DONE || store_fail(store, err);
  sqlite3_reset(adding->add_game);
  if (fine) adding->added += sqlite3_changes(store->db);
  return fine;
}

static bool add_all(Adding *adding, const StorePlayer *a, const StorePlayer *b, const StoreGame *games,
                    int count, Error *err) {
  sqlite3 *db = adding->store->db;
  static const char add_pair_sql[] = "INSERT INTO pairs (opening) VALUES (?)";
  static const char add_game_sql[] =
      "INSERT OR IGNORE INTO games (pair, opening, first, second, moves, points)"
      " VALUES (?, ?, ?, ?, ?, ?)";
  bool fine = intern_player(adding->store, a, &adding->players[0], err) &&
              intern_player(adding->store, b, &adding->players[1], err);
  if (fine && (sqlite3_prepare_v2(db, add_pair_sql, -1, &adding->add_pair, NULL) != SQLITE_OK ||
               sqlite3_prepare_v2(db, add_game_sql, -1, &adding->add_game, NULL) != SQLITE_OK))
    fine = store_fail(adding->store, err);
  for (int g = 0; fine && g < count; g++) {
    assert(games[g].swapped == 0 || games[g].swapped == 1);
    fine = add_game(adding, &games[g], err);
  }
  sqlite3_finalize(adding->add_pair);
  sqlite3_finalize(adding->add_game);
  /* A pair whose games were all known would be an empty row. */
  return fine && execute(adding->store, "DELETE FROM pairs WHERE id NOT IN (SELECT pair FROM games)", err);
}

static bool bind_game(Store *store, const char *sql, const char *game, sqlite3_stmt **statement, Error *err) {
  if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) != SQLITE_OK) return store_fail(store, err);
  sqlite3_bind_text(*statement, 1, game, -1, SQLITE_STATIC);
  return true;
}

/* The rules by which the file's games were played must be those of today. `record` names them in a file that
 * does not say yet. */
static bool check_rules(Store *store, const char *name, bool record, Error *err) {
  const Game *game = game_find(name);
  sqlite3_stmt *statement = NULL;
  if (!game) return true;
  int64_t hash = game_rules_hash(game);
  if (record) {
    char sql[160];
    snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO rules VALUES ('%s', %lld)", game->name, (long long)hash);
    if (!execute(store, sql, err)) return false;
  }
  if (!bind_game(store, "SELECT hash FROM rules WHERE game = ?", name, &statement, err)) return false;
  bool same = sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int64(statement, 0) == hash;
  sqlite3_finalize(statement);
  return same ||
         error_set(err, "%s: its games of %s follow other rules than this version's; name another file",
                   store->path, game->title);
}

bool store_add(Store *store, const char *game, const StorePlayer *a, const StorePlayer *b,
               const StoreGame *games, int count, int *added, Error *err) {
  if (!execute(store, "BEGIN IMMEDIATE", err)) return false;
  Adding adding = {.store = store, .game = game, .pair = -1};
  if (!check_rules(store, game, true, err) || !add_all(&adding, a, b, games, count, err) ||
      !execute(store, "COMMIT", err)) {
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
  }
  if (added) *added = adding.added;
  return true;
}

/* Row ids -> indices: ids[] is ascending. */
static int index_of(const int64_t *ids, int count, int64_t id) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (ids[middle] < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && ids[low] == id ? low : -1;
}

static bool read_players(Store *store, const char *game, StoreResults *out, int64_t **ids, Error *err) {
  static const char sql[] =
      "SELECT id, name, hash FROM players WHERE id IN (SELECT first FROM games JOIN openings o"
      " ON o.id = opening WHERE o.game = ?1 UNION SELECT second FROM games JOIN openings o"
      " ON o.id = opening WHERE o.game = ?1) ORDER BY id";
  sqlite3_stmt *statement;
  if (!bind_game(store, sql, game, &statement, err)) return false;
  int code, capacity = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (out->player_count == capacity) {
      int wider = capacity ? 2 * capacity : 16;
      out->players = memory_grow(out->players, (size_t)capacity, (size_t)wider, sizeof *out->players);
      *ids = memory_grow(*ids, (size_t)capacity, (size_t)wider, sizeof **ids);
      capacity = wider;
    }
    StorePlayer *player = &out->players[out->player_count];
    (*ids)[out->player_count++] = sqlite3_column_int64(statement, 0);
    snprintf(player->name, sizeof player->name, "%s", (const char *)sqlite3_column_text(statement, 1));
    player->hash = (uint32_t)sqlite3_column_int64(statement, 2);
  }
  bool fine = code == SQLITE_DONE || store_fail(store, err);
  sqlite3_finalize(statement);
  return fine;
}

static bool read_games(Store *store, const char *game, StoreResults *out, const int64_t *ids, Error *err) {
  static const char sql[] = "SELECT first, second, points, pair FROM games JOIN openings o ON o.id = opening"
                            " WHERE o.game = ? ORDER BY games.id";
  sqlite3_stmt *statement;
  if (!bind_game(store, sql, game, &statement, err)) return false;
  int code, capacity = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (out->count == capacity) {
      int wider = capacity ? 2 * capacity : 256;
      out->games = memory_grow(out->games, (size_t)capacity, (size_t)wider, sizeof *out->games);
      capacity = wider;
    }
    RatingGame *row = &out->games[out->count];
    row->first = index_of(ids, out->player_count, sqlite3_column_int64(statement, 0));
    row->second = index_of(ids, out->player_count, sqlite3_column_int64(statement, 1));
    row->points = sqlite3_column_int(statement, 2);
    row->pair = sqlite3_column_int64(statement, 3);
    /* A player that another process has added since is left for next time; one against itself says nothing.
     */
    if (row->first >= 0 && row->second >= 0 && row->first != row->second) out->count++;
  }
  bool fine = code == SQLITE_DONE || store_fail(store, err);
  sqlite3_finalize(statement);
  return fine;
}

bool store_results(Store *store, const char *game, StoreResults *out, Error *err) {
  *out = (StoreResults){0};
  int64_t *ids = NULL;
  /* One transaction, so that both queries see the same moment. */
  bool fine = execute(store, "BEGIN", err) && check_rules(store, game, false, err) &&
              read_players(store, game, out, &ids, err) && read_games(store, game, out, ids, err);
  sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
  free(ids);
  if (!fine) store_results_free(out);
  return fine;
}

static StorePlayer player_column(sqlite3_stmt *statement, int column) {
  StorePlayer player = {.hash = (uint32_t)sqlite3_column_int64(statement, column + 1)};
  const char *name = (const char *)sqlite3_column_text(statement, column);
  snprintf(player.name, sizeof player.name, "%s", name ? name : "");
  return player;
}

bool store_each(Store *store, const char *game, StoreVisit *visit, void *context, Error *err) {
  static const char sql[] =
      "SELECT p.name, p.hash, q.name, q.hash, o.moves, g.moves, g.played_at, g.points, g.pair, g.id FROM "
      "games g"
      " JOIN openings o ON o.id = g.opening JOIN players p ON p.id = g.first JOIN players q ON q.id = "
      "g.second"
      " WHERE o.game = ? ORDER BY g.id";
  sqlite3_stmt *statement;
  int code = SQLITE_ROW;
  if (!check_rules(store, game, false, err) || !bind_game(store, sql, game, &statement, err)) return false;
  bool fine = true;
  while (fine && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    const StoreRecord record = {.first = player_column(statement, 0),
                                .second = player_column(statement, 2),
                                .opening = (const char *)sqlite3_column_text(statement, 4),
                                .moves = (const char *)sqlite3_column_text(statement, 5),
                                .played_at = (const char *)sqlite3_column_text(statement, 6),
                                .points = sqlite3_column_int(statement, 7),
                                .pair = sqlite3_column_int64(statement, 8)};
    bool whole = record.opening && record.moves && record.played_at && strlen(record.played_at) >= 10 &&
                 record.points >= 0 && record.points <= 2;
    fine = whole ? visit(context, &record, err)
                 : error_set(err, "%s: damaged: game %lld is not whole", store->path,
                             (long long)sqlite3_column_int64(statement, 9));
  }
  if (fine && code != SQLITE_DONE) fine = store_fail(store, err);
  sqlite3_finalize(statement);
  return fine;
}

void store_results_free(StoreResults *results) {
  free(results->players);
  free(results->games);
  *results = (StoreResults){0};
}

int store_results_find(const StoreResults *results, const char *name, uint32_t hash) {
  for (int i = 0; i < results->player_count; i++)
    if (results->players[i].hash == hash && strcmp(results->players[i].name, name) == 0) return i;
  return -1;
}

bool store_openings_used(Store *store, const char *game, const StorePlayer *a, const StorePlayer *b,
                         const char *const *openings, int count, bool *used, Error *err) {
  static const char sql[] =
      "SELECT EXISTS (SELECT 1 FROM games JOIN openings o ON o.id = opening JOIN players p ON p.id = first"
      " JOIN players q ON q.id = second WHERE o.game = ?1 AND o.moves = ?6 AND"
      " ((p.name = ?2 AND p.hash = ?3 AND q.name = ?4 AND q.hash = ?5) OR"
      "  (p.name = ?4 AND p.hash = ?5 AND q.name = ?2 AND q.hash = ?3)))";
  sqlite3_stmt *statement;
  if (!bind_game(store, sql, game, &statement, err)) return false;
  sqlite3_bind_text(statement, 2, a->name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, a->hash);
  sqlite3_bind_text(statement, 4, b->name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 5, b->hash);
  bool fine = true;
  for (int i = 0; fine && i < count; i++) {
    sqlite3_bind_text(statement, 6, openings[i], -1, SQLITE_STATIC);
    fine = sqlite3_step(statement) == SQLITE_ROW || store_fail(store, err);
    if (fine) used[i] = sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  return fine;
}
