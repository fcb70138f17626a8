/*
 * Stands between a program and the C library (LD_PRELOAD), for the calls that change files below some folders. It
 * either keeps a record of them, from which the folders can be made again as they would be after a power cut at any
 * moment, or lets some of them fail. What a program says on stdout is kept in the same record, in the same order.
 *
 *   CALLS_FOLDERS  the folders, separated by colons
 *   CALLS_EXCEPT   folders in them that are left out
 *   CALLS_RECORD   the file to append the record to; its form is read by Recording.ts
 *   CALLS_FAULTS   the file that says what is to fail, shared memory; its form is written by Faults.ts
 *
 * stdio buffers inside the C library, where nothing can be seen of it; so what is written to a FILE is written through.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 65536
#define NEXT(name) ((__typeof__(&name)) next(#name))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *folders, *except;
static int record = -1;
/* Descriptors of files below the folders. */
static char known[MOST_FILES];

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

/* What is to fail: written by the test while the program runs. */
enum kind { OPEN, WRITE, SYNC, NAME, KINDS };
struct faults {
  uint32_t armed, seed, calls, reserved;
  /* Of 65,536 calls, how many fail; and how many did. */
  uint32_t odds[KINDS], failed[KINDS];
};
static struct faults *faults;

static void note(char what, int fd, uint64_t offset, const void *a, size_t aBytes, const void *b, size_t bBytes);

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CALLS_RECORD");
  folders = getenv("CALLS_FOLDERS");
  except = getenv("CALLS_EXCEPT");
  if (path != NULL) record = NEXT(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  path = getenv("CALLS_FAULTS");
  if (path != NULL) {
    int fd = NEXT(open)(path, O_RDWR | O_CLOEXEC);
    void *shared = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || shared == MAP_FAILED) abort();
    faults = shared;
  }
  /* Every process has descriptors of its own. */
  note('B', getpid(), 0, NULL, 0, NULL, 0);
}

static int belowAny(const char *paths, const char *path) {
  for (const char *at = paths; at != NULL && *at != 0;) {
    const char *end = strchrnul(at, ':');
    size_t length = end - at;
    if (strncmp(path, at, length) == 0 && (path[length] == '/' || path[length] == 0)) return 1;
    at = *end == 0 ? end : end + 1;
  }
  return 0;
}

static int below(const char *path) { return belowAny(folders, path) && !belowAny(except, path); }

static int knows(int fd) { return fd >= 0 && fd < MOST_FILES && known[fd]; }

/* One entry: a letter, a number, an offset, and two pieces of bytes with their lengths. */
static void note(char what, int fd, uint64_t offset, const void *a, size_t aBytes, const void *b, size_t bBytes) {
  if (record < 0) return;
  struct { uint32_t what; int32_t fd; uint64_t offset; uint32_t aBytes, bBytes; } head = {
    (unsigned char) what, fd, offset, aBytes, bBytes
  };
  struct iovec parts[3] = { { &head, sizeof head }, { (void *) a, aBytes }, { (void *) b, bBytes } };
  ssize_t whole = sizeof head + aBytes + bBytes;
  /* A record with a hole would show states that never were. */
  if (NEXT(writev)(record, parts, 3) != whole) abort();
}

static void notePath(char what, int fd, uint64_t offset, const char *a, const char *b) {
  note(what, fd, offset, a, strlen(a), b, b == NULL ? 0 : strlen(b));
}

/* The same numbers for the same seed (splitmix, Steele and others 2014). */
static uint64_t chance(void) {
  uint64_t state = ((uint64_t) faults->seed << 32) + ++faults->calls * 0x9e3779b97f4a7c15ull;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebull;
  return state ^ (state >> 31);
}

/* Whether this call is to fail; errno says how. A full disk refuses only what needs space. */
static int fails(enum kind kind, int needsSpace) {
  if (faults == NULL || !faults->armed) return 0;
  uint64_t drawn = chance();
  if ((drawn & 0xffff) >= faults->odds[kind]) return 0;
  faults->failed[kind]++;
  errno = needsSpace && (drawn >> 16 & 1) ? ENOSPC : EIO;
  return 1;
}

static int opened(const char *path, int flags, int mode, int (*call)(const char *, int, ...)) {
  if (!below(path)) {
    int fd = call(path, flags, mode);
    if (fd >= 0 && fd < MOST_FILES) known[fd] = 0;
    return fd;
  }
  pthread_mutex_lock(&turn);
  int fd = fails(OPEN, flags & O_CREAT) ? -1 : call(path, flags, mode);
  if (fd >= MOST_FILES) abort();
  if (fd >= 0) {
    known[fd] = 1;
    notePath('O', fd, flags & (O_CREAT | O_TRUNC), path, NULL);
  }
  pthread_mutex_unlock(&turn);
  return fd;
}

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0; \
    va_end(rest); \
    return opened(path, flags, mode, NEXT(name)); \
  }
OPENING(open)
OPENING(open64)

static FILE *openedStream(const char *path, const char *mode, FILE *(*call)(const char *, const char *)) {
  if (!below(path)) {
    FILE *file = call(path, mode);
    if (file != NULL && fileno(file) < MOST_FILES) known[fileno(file)] = 0;
    return file;
  }
  pthread_mutex_lock(&turn);
  FILE *file = fails(OPEN, mode[0] != 'r') ? NULL : call(path, mode);
  if (file != NULL) {
    if (fileno(file) >= MOST_FILES) abort();
    known[fileno(file)] = 1;
    int flags = mode[0] == 'w' ? O_CREAT | O_TRUNC : mode[0] == 'a' ? O_CREAT : 0;
    notePath('O', fileno(file), flags, path, NULL);
  }
  pthread_mutex_unlock(&turn);
  return file;
}
FILE *fopen(const char *path, const char *mode) { return openedStream(path, mode, NEXT(fopen)); }
FILE *fopen64(const char *path, const char *mode) { return openedStream(path, mode, NEXT(fopen64)); }

static void forget(int fd) {
  if (fd >= 0 && fd < MOST_FILES) known[fd] = 0;
}
int close(int fd) {
  forget(fd);
  return NEXT(close)(fd);
}
int fclose(FILE *file) {
  forget(fileno(file));
  return NEXT(fclose)(file);
}

/* Writes some or all of it, at an offset or, where that is -1, where the descriptor stands. */
static ssize_t written(int fd, const void *bytes, size_t count, off_t offset) {
  if (count > 1 && fails(WRITE, 1)) {
    /* As a disk does that fills up or goes bad: some of it, then the error. */
    size_t some = chance() % count;
    if (some == 0 || errno == EIO) return -1;
    count = some;
  }
  ssize_t done = offset < 0 ? NEXT(write)(fd, bytes, count) : NEXT(pwrite64)(fd, bytes, count, offset);
  if (done <= 0) return done;
  note('W', fd, offset < 0 ? lseek(fd, 0, SEEK_CUR) - done : offset, bytes, done, NULL, 0);
  return done;
}

static ssize_t writtenInTurn(int fd, const void *bytes, size_t count, off_t offset) {
  pthread_mutex_lock(&turn);
  ssize_t done = written(fd, bytes, count, offset);
  pthread_mutex_unlock(&turn);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (fd == STDOUT_FILENO && record >= 0) {
    pthread_mutex_lock(&turn);
    note('A', fd, 0, bytes, count, NULL, 0);
    pthread_mutex_unlock(&turn);
  }
  return knows(fd) ? writtenInTurn(fd, bytes, count, -1) : NEXT(write)(fd, bytes, count);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  return knows(fd) ? writtenInTurn(fd, bytes, count, offset) : NEXT(pwrite64)(fd, bytes, count, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

/* Of several pieces the first is written: whoever writes goes on from what was. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!knows(fd) || count < 1) return NEXT(writev)(fd, parts, count);
  return writtenInTurn(fd, parts->iov_base, parts->iov_len, -1);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  if (!knows(fd) || count < 1) return NEXT(pwritev64)(fd, parts, count, offset);
  return writtenInTurn(fd, parts->iov_base, parts->iov_len, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

#undef fwrite_unlocked
static size_t streamed(const void *bytes, size_t size, size_t count, FILE *file) {
  pthread_mutex_lock(&turn);
  size_t left = size * count;
  if (left > 0) {
    /* A file takes less than all only where there is no space for more. */
    ssize_t done = written(fileno(file), bytes, left, -1);
    if (done > 0 && (size_t) done < left) errno = ENOSPC;
    if (done > 0) left -= done;
  }
  pthread_mutex_unlock(&turn);
  return size == 0 ? 0 : (size * count - left) / size;
}
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
  return knows(fileno(file)) ? streamed(bytes, size, count, file) : NEXT(fwrite)(bytes, size, count, file);
}
size_t fwrite_unlocked(const void *bytes, size_t size, size_t count, FILE *file) {
  return knows(fileno(file)) ? streamed(bytes, size, count, file) : NEXT(fwrite_unlocked)(bytes, size, count, file);
}

static int synced(int fd, int (*call)(int)) {
  if (!knows(fd)) return call(fd);
  pthread_mutex_lock(&turn);
  int result = fails(SYNC, 1) ? -1 : call(fd);
  if (result == 0) note('S', fd, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&turn);
  return result;
}
int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

static int truncated(int fd, off_t length, int (*call)(int, off_t)) {
  if (!knows(fd)) return call(fd, length);
  pthread_mutex_lock(&turn);
  int result = fails(WRITE, 1) ? -1 : call(fd, length);
  if (result == 0) note('T', fd, length, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&turn);
  return result;
}
int ftruncate(int fd, off_t length) { return truncated(fd, length, NEXT(ftruncate)); }
int ftruncate64(int fd, off_t length) { return truncated(fd, length, NEXT(ftruncate64)); }

/* Calls that change names in folders: of one path, and of two. */
#define NAMED(letter, needsSpace, concerned, from, to, call) \
  do { \
    if (!(concerned)) return call; \
    pthread_mutex_lock(&turn); \
    __typeof__(call) result = fails(NAME, needsSpace) ? -1 : call; \
    if (result == 0) notePath(letter, 0, 0, from, to); \
    pthread_mutex_unlock(&turn); \
    return result; \
  } while (0)

int rename(const char *from, const char *to) {
  NAMED('R', 1, below(from) || below(to), from, to, NEXT(rename)(from, to));
}
int link(const char *from, const char *to) {
  NAMED('L', 1, below(from) || below(to), from, to, NEXT(link)(from, to));
}
int unlink(const char *path) { NAMED('U', 0, below(path), path, NULL, NEXT(unlink)(path)); }
int mkdir(const char *path, mode_t mode) { NAMED('M', 1, below(path), path, NULL, NEXT(mkdir)(path, mode)); }
int rmdir(const char *path) { NAMED('D', 0, below(path), path, NULL, NEXT(rmdir)(path)); }

/* Who ends itself does so between two calls, not between one and its note. */
int kill(pid_t pid, int number) {
  if (record >= 0 && pid == getpid()) pthread_mutex_lock(&turn);
  return NEXT(kill)(pid, number);
}

/* Nobody does these there; if somebody did, the record would be wrong, so it says so. */
int symlink(const char *to, const char *path) { NAMED('X', 0, below(path), path, NULL, NEXT(symlink)(to, path)); }
int truncate64(const char *path, off_t length) {
  NAMED('X', 0, below(path), path, NULL, NEXT(truncate64)(path, length));
}
ssize_t sendfile64(int out, int in, off_t *offset, size_t count) {
  if (knows(out)) note('X', out, 0, "sendfile", 8, NULL, 0);
  return NEXT(sendfile64)(out, in, offset, count);
}
