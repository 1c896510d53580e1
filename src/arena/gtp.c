#include "arena/gtp.h"

#include "base/clock.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_MAX = 1024, FAREWELL_TICKS = 20, TICK_MICROSECONDS = 10000 };

struct Gtp {
  char command[256]; /* for messages */
  pid_t child;
  int fd;   /* one socket for both directions: send() can be told not to raise SIGPIPE */
  int life; /* of this program, as a pipe that ends with it */
  double timeout;
  char input[GTP_ANSWER_MAX];
  size_t input_size;
};

/* A process of the engine's group that ends the group with this program, however that ends: what a shell has
 * started may think on without looking at its input. */
static void watch(const int life[2], const int ends[2]) {
  char byte;
  if (fork() != 0) return;
  close(life[1]), close(ends[0]), close(ends[1]);
  while (read(life[0], &byte, 1) < 0 && errno == EINTR) {
  }
  kill(0, SIGKILL);
}

static bool start_child(Gtp *gtp, const char *command, Error *err) {
  int ends[2], life[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error_set(err, "gtp:%s: cannot make a pipe: %s", gtp->command, strerror(errno));
  gtp->fd = ends[0];
  if (pipe2(life, O_CLOEXEC) != 0) {
    close(ends[1]);
    return error_set(err, "gtp:%s: cannot make a pipe: %s", gtp->command, strerror(errno));
  }
  gtp->life = life[1];
  gtp->child = fork();
  if (gtp->child == 0) {
    setpgid(0, 0);
    watch(life, ends);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(ends[1], STDIN_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0) _exit(127);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  close(ends[1]), close(life[0]);
  if (gtp->child < 0) return error_set(err, "gtp:%s: cannot start: %s", gtp->command, strerror(errno));
  setpgid(gtp->child, gtp->child); /* both sides do it, so that it is done whoever runs first */
  return true;
}

static bool send_all(Gtp *gtp, const char *text, size_t size, Error *err) {
  while (size > 0) {
    ssize_t sent = send(gtp->fd, text, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return error_set(err, "gtp:%s: the engine has ended", gtp->command);
    text += sent;
    size -= (size_t)sent;
  }
  return true;
}

static void drop_input(Gtp *gtp, size_t size) {
  memmove(gtp->input, gtp->input + size, gtp->input_size - size);
  gtp->input_size -= size;
}

/* End of the first whole answer in the input (behind its empty line), 0 where there is none yet. */
static size_t answer_end(Gtp *gtp) {
  size_t blank = 0; /* line feeds before an answer carry nothing */
  while (blank < gtp->input_size && gtp->input[blank] == '\n') blank++;
  drop_input(gtp, blank);
  for (size_t i = 0; i + 1 < gtp->input_size; i++)
    if (gtp->input[i] == '\n' && gtp->input[i + 1] == '\n') return i + 2;
  return 0;
}

static bool read_more(Gtp *gtp, double deadline, Error *err) {
  double left = deadline - clock_wall();
  struct pollfd wait = {.fd = gtp->fd, .events = POLLIN};
  int ready = left > 0 ? poll(&wait, 1, (int)(left * 1000) + 1) : 0;
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return error_set(err, "gtp:%s: no answer within %g seconds", gtp->command, gtp->timeout);
  if (gtp->input_size == sizeof gtp->input)
    return error_set(err, "gtp:%s: an answer of more than %zu bytes", gtp->command, sizeof gtp->input);
  char *end = gtp->input + gtp->input_size;
  ssize_t count = recv(gtp->fd, end, sizeof gtp->input - gtp->input_size, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) {
    size_t said = gtp->input_size;
    while (said > 0 && isspace((unsigned char)gtp->input[said - 1])) said--;
    return error_set(err, "gtp:%s: the engine has ended%s%.*s", gtp->command, said ? ", saying: " : "",
                     (int)(said < 200 ? said : 200), gtp->input);
  }
  /* Carriage returns are to be ignored (section 2.2 of the protocol). */
  size_t kept = 0;
  for (ssize_t i = 0; i < count; i++)
    if (end[i] != '\r') end[kept++] = end[i];
  gtp->input_size += kept;
  return true;
}

/* Answer text without status, id and surrounding blanks. */
static void trim_answer(const char *raw, size_t size, char *out) {
  size_t begin = 1;
  while (begin < size && isdigit((unsigned char)raw[begin])) begin++;
  while (begin < size && isspace((unsigned char)raw[begin])) begin++;
  while (size > begin && isspace((unsigned char)raw[size - 1])) size--;
  size_t length = size - begin;
  memcpy(out, raw + begin, length);
  out[length] = 0;
}

bool gtp_ask(Gtp *gtp, char *answer, Error *err, const char *format, ...) {
  char line[COMMAND_MAX + 1];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, COMMAND_MAX, format, args);
  va_end(args);
  if (length >= COMMAND_MAX)
    return error_set(err, "gtp:%s: a command of %d bytes is too long", gtp->command, length);
  line[length] = '\n';
  double deadline = clock_wall() + gtp->timeout;
  size_t end = 0;
  bool fine = send_all(gtp, line, (size_t)length + 1, err);
  while (fine && !(end = answer_end(gtp))) fine = read_more(gtp, deadline, err);
  line[length] = 0;
  if (!fine) return error_prefix(err, "asked \"%.80s\"", line);
  char status = gtp->input[0];
  trim_answer(gtp->input, end, answer);
  drop_input(gtp, end);
  if (status == '=') return true;
  return error_set(err, "gtp:%s: asked \"%.80s\", the engine says: %.200s", gtp->command, line,
                   answer[0] ? answer : "nothing");
}

Gtp *gtp_new(const char *command, double timeout_seconds, Error *err) {
  Gtp *gtp = memory_new(1, sizeof *gtp);
  *gtp = (Gtp){.child = -1, .fd = -1, .life = -1, .timeout = timeout_seconds};
  snprintf(gtp->command, sizeof gtp->command, "%s", command);
  char answer[GTP_ANSWER_MAX];
  if (start_child(gtp, command, err) && gtp_ask(gtp, answer, err, "protocol_version")) return gtp;
  gtp_free(gtp);
  return NULL;
}

void gtp_free(Gtp *gtp) {
  if (!gtp) return;
  if (gtp->fd >= 0) {
    /* A polite end first; what is still there after a fifth of a second is killed. */
    send(gtp->fd, "quit\n", 5, MSG_NOSIGNAL);
    close(gtp->fd);
  }
  if (gtp->child > 0) {
    bool reaped = false;
    for (int tick = 0; tick < FAREWELL_TICKS && !reaped; tick++) {
      reaped = waitpid(gtp->child, NULL, WNOHANG) == gtp->child;
      if (!reaped) usleep(TICK_MICROSECONDS);
    }
    kill(-gtp->child, SIGKILL); /* also what the shell may have left behind */
    while (!reaped && waitpid(gtp->child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  if (gtp->life >= 0) close(gtp->life);
  free(gtp);
}
