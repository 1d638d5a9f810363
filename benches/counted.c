// Corrects callgrind's instruction counts: a forked process starts at zero instead of at its parent's count, and a
// process that calls exec writes its count first. Loaded by LD_PRELOAD; COUNTED is the directory of the counts, which
// callgrind names after processes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

static void forked(void) { CALLGRIND_ZERO_STATS; }

__attribute__((constructor)) static void start(void) { pthread_atfork(0, 0, forked); }

static void leave(void) {
  char from[4096], to[4096];
  struct timespec now;
  const char *directory = getenv("COUNTED");
  CALLGRIND_DUMP_STATS;
  // The next program in this process would overwrite the file.
  if (directory && clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
    snprintf(from, sizeof from, "%s/%d.1", directory, getpid());
    snprintf(to, sizeof to, "%s/%d-%ld%09ld", directory, getpid(), (long)now.tv_sec, now.tv_nsec);
    rename(from, to);
  }
}

int execve(const char *path, char *const arguments[], char *const environment[]) {
  int (*next)(const char *, char *const[], char *const[]) = dlsym(RTLD_NEXT, "execve");
  leave();
  return next(path, arguments, environment);
}

int execvp(const char *file, char *const arguments[]) {
  int (*next)(const char *, char *const[]) = dlsym(RTLD_NEXT, "execvp");
  leave();
  return next(file, arguments);
}
