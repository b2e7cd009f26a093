/* Failing storage, loaded before libc by LD_PRELOAD.

   Calls that change files under one folder are counted, by kind. At call number N the shim can end the process before
   the call, after it, or in the middle of a write; or make a window of calls fail with an error, or of fsyncs do nothing
   and say that they did. It can also lose power:
   at the end of the process everything that no successful fsync covered is undone, all of it or a part drawn by chance,
   file contents in sectors of 512 bytes, a cut whole or not at all, and names (made, renamed, deleted) back to a moment
   since the folder's fsync.
   After an fsync that failed, no later one covers what it was to write until it is written anew, as Linux has it.

   What is mapped into memory (SQLite's -shm) is not tracked: it is worked out afresh after a crash. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE, SYNC, TRUNCATE, RENAME, UNLINK, CREATE, MKDIR, KINDS };
static const char *const KIND[KINDS] = {"write", "sync", "truncate", "rename", "unlink", "create", "mkdir"};
enum action { COUNT, BEFORE, AFTER, TORN, FAIL, LIE };
enum power { KEPT, LOST, PARTLY };

#define SECTOR 512

#define REAL(type, name, ...)                                                    \
    static type (*real_##name)(__VA_ARGS__);                                     \
    if (!real_##name) real_##name = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int armed, power, action, error_number, report = -1;
static char folder[PATH_MAX], attic[PATH_MAX];
static unsigned kinds;
static char suffix[256];
static long first, window, then, matched, hits, later, counted[KINDS];
static uint64_t chance;
static unsigned hidden;

/* Contents that are not on the disk yet */

struct file {
    dev_t dev;
    ino_t ino;
    char path[PATH_MAX];
    off_t synced;          /* the size that is on the disk */
    int cut;               /* whether it was made shorter since */
    size_t room;           /* sectors that `old` has room for */
    unsigned char **old;   /* by sector, what is on the disk where it differs */
    unsigned char *failed; /* by sector, 1 where an fsync failed since it was written */
    struct file *next;
};
static struct file *files;

/* Names that are not on the disk yet */

struct name {
    enum kind kind;
    int folder; /* a directory */
    char from[PATH_MAX], to[PATH_MAX], kept[PATH_MAX], in[PATH_MAX];
    struct name *before;
};
static struct name *names;

static uint64_t draw(void) {
    chance += 0x9e3779b97f4a7c15u;
    uint64_t z = chance;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static ssize_t raw_pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    return real_pwrite64(fd, data, size, at);
}
static int raw_truncate(int fd, off_t size) {
    REAL(int, ftruncate64, int, off_t);
    return real_ftruncate64(fd, size);
}
static int raw_open(const char *path, int flags, mode_t mode) {
    REAL(int, open64, const char *, int, ...);
    return real_open64(path, flags, mode);
}
static int raw_rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return real_rename(from, to);
}
static int raw_unlink(const char *path) {
    REAL(int, unlink, const char *);
    return real_unlink(path);
}
static int raw_mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    return real_mkdir(path, mode);
}

static int below(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int ends(const char *path, const char *with) {
    size_t length = strlen(path), tail = strlen(with);
    return length >= tail && strcmp(path + length - tail, with) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* The absolute path of a name as a call gives it; 1 if it is below the folder. */
static int path_at(int dir, const char *name, char *path) {
    if (name[0] == '/') {
        if (strlen(name) >= PATH_MAX) return 0;
        strcpy(path, name);
    } else {
        char base[PATH_MAX];
        if (dir == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
            ssize_t length = readlink(link, base, PATH_MAX - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        if (strlen(base) + strlen(name) + 2 > PATH_MAX) return 0;
        char *end = stpcpy(path, base);
        *end++ = '/';
        strcpy(end, name);
    }
    return below(path);
}

static void parent_of(const char *path, char *parent) {
    strcpy(parent, path);
    char *slash = strrchr(parent, '/');
    if (slash) *slash = 0;
}

/* Contents */

static struct file *file_of(int fd, const char *path) {
    struct stat st;
    if (power == KEPT || ends(path, "-shm") || fstat(fd, &st) || !S_ISREG(st.st_mode)) return NULL;
    for (struct file *f = files; f; f = f->next)
        if (f->dev == st.st_dev && f->ino == st.st_ino) return f;
    struct file *f = calloc(1, sizeof *f);
    f->dev = st.st_dev, f->ino = st.st_ino, f->synced = st.st_size;
    strcpy(f->path, path);
    f->next = files, files = f;
    return f;
}

/* Keep what stands in the bytes from `at` until `end` before they change. */
static void keep(struct file *f, int fd, off_t at, off_t end) {
    if (!f || end <= at) return;
    size_t last = (size_t)((end - 1) / SECTOR);
    if (last >= f->room) {
        size_t room = last * 2 + 64;
        f->old = realloc(f->old, room * sizeof *f->old);
        f->failed = realloc(f->failed, room);
        memset(f->old + f->room, 0, (room - f->room) * sizeof *f->old);
        memset(f->failed + f->room, 0, room - f->room);
        f->room = room;
    }
    int reader = fd, own = -1;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) reader = own = raw_open(f->path, O_RDONLY | O_CLOEXEC, 0);
    for (size_t s = (size_t)(at / SECTOR); s <= last; s++) {
        f->failed[s] = 0;
        if (f->old[s]) continue;
        f->old[s] = calloc(1, SECTOR);
        if (pread(reader, f->old[s], SECTOR, (off_t)s * SECTOR) < 0) memset(f->old[s], 0, SECTOR);
    }
    if (own >= 0) close(own);
}

static void synced(int fd, const char *path, int failed) {
    struct stat st;
    if (power == KEPT || fstat(fd, &st)) return;
    if (S_ISDIR(st.st_mode)) {
        if (failed) return;
        for (struct name **at = &names; *at;) {
            struct name *n = *at;
            if (strcmp(n->in, path) == 0) {
                if (n->kept[0]) raw_unlink(n->kept);
                *at = n->before;
                free(n);
            } else
                at = &n->before;
        }
        return;
    }
    for (struct file *f = files; f; f = f->next) {
        if (f->dev != st.st_dev || f->ino != st.st_ino) continue;
        for (size_t s = 0; s < f->room; s++) {
            if (!f->old[s]) continue;
            if (failed)
                f->failed[s] = 1;
            else if (!f->failed[s])
                free(f->old[s]), f->old[s] = NULL;
        }
        if (!failed) f->synced = st.st_size, f->cut = 0;
    }
}

/* Names */

static struct name *noted(enum kind kind, const char *path) {
    struct name *n = calloc(1, sizeof *n);
    n->kind = kind;
    strcpy(n->to, path);
    parent_of(path, n->in);
    n->before = names, names = n;
    return n;
}

/* Another name, outside, for a file that is about to lose its own. */
static void hide(const char *path, char *kept) {
    int length = snprintf(kept, PATH_MAX, "%s/%d-%u", attic, (int)getpid(), hidden++);
    if (length >= PATH_MAX || link(path, kept)) {
        kept[0] = 0;
        return;
    }
    for (struct file *f = files; f; f = f->next)
        if (strcmp(f->path, path) == 0) strcpy(f->path, kept);
}

static void lose_power(void) {
    for (struct file *f = files; f; f = f->next) {
        struct stat st;
        int fd = raw_open(f->path, O_RDWR | O_CLOEXEC, 0);
        if (fd < 0) continue;
        if (fstat(fd, &st) == 0 && st.st_ino == f->ino && st.st_dev == f->dev) {
            static const unsigned char nothing[SECTOR];
            int all = power == LOST || (f->cut && draw() & 1); /* a cut is there or not, and never in part */
            for (size_t s = 0; s < f->room; s++)
                if (f->old[s] && (all || draw() & 1))
                    raw_pwrite(fd, f->cut && !all ? nothing : f->old[s], SECTOR, (off_t)s * SECTOR);
            raw_truncate(fd, all || (!f->cut && draw() & 1) ? f->synced : st.st_size);
        }
        /* Not closed: that would let go of SQLite's locks a moment before the process ends. */
    }
    unsigned long count = 0;
    for (struct name *n = names; n; n = n->before) count++;
    unsigned long undo = power == LOST ? count : draw() % (count + 1);
    for (struct name *n = names; n && undo; n = n->before, undo--) {
        switch (n->kind) {
        case CREATE: raw_unlink(n->to); break;
        case MKDIR: rmdir(n->to); break;
        case RENAME:
            raw_rename(n->to, n->from);
            if (n->kept[0]) raw_rename(n->kept, n->to);
            break;
        case UNLINK:
            if (n->folder)
                raw_mkdir(n->to, 0755);
            else if (n->kept[0])
                raw_rename(n->kept, n->to);
            break;
        default: break;
        }
    }
}

__attribute__((noreturn)) static void die(const char *how, const char *where) {
    if (power != KEPT) lose_power();
    if (report >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "died\t%s\t%s\n", how, where);
        REAL(ssize_t, write, int, const void *, size_t);
        if (real_write(report, line, (size_t)length) < 0) _exit(99);
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What is to become of this call: whether it fails. May not return. */
static int due(enum kind kind, const char *path, int *after) {
    *after = 0;
    counted[kind]++;
    if (then && hits >= window && ++later == then) die(KIND[kind], path);
    if (!(kinds >> kind & 1) || (suffix[0] && !ends(path, suffix))) return 0;
    long number = ++matched;
    if (action == COUNT || number < first || number >= first + window) return 0;
    hits++;
    switch (action) {
    case BEFORE: die(KIND[kind], path);
    case FAIL: return 1;
    case LIE: return 0;
    default: *after = 1; return 0;
    }
}

#define PASS(call)       \
    if (!armed) return call

static ssize_t changed(int fd, const struct iovec *parts, int count, off_t at, int placed) {
    char path[PATH_MAX];
    size_t size = 0;
    for (int i = 0; i < count; i++) size += parts[i].iov_len;
    REAL(ssize_t, writev, int, const struct iovec *, int);
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    if (!path_of(fd, path)) return placed ? real_pwritev(fd, parts, count, at) : real_writev(fd, parts, count);
    pthread_mutex_lock(&gate);
    int after, kept_error = 0;
    ssize_t done = -1;
    if (due(WRITE, path, &after)) {
        kept_error = error_number;
    } else {
        off_t start = at;
        if (!placed) {
            struct stat st;
            start = lseek(fd, 0, SEEK_CUR);
            if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &st) == 0) start = st.st_size;
        }
        struct file *f = file_of(fd, path);
        if (f && start > f->synced) keep(f, fd, f->synced, start); /* the gap that such a write leaves */
        keep(f, fd, start, start + (off_t)size);
        if (after && action == TORN && size > 1) {
            char *all = malloc(size), *end = all;
            for (int i = 0; i < count; i++) end = mempcpy(end, parts[i].iov_base, parts[i].iov_len);
            raw_pwrite(fd, all, 1 + draw() % (size - 1), start);
            die("torn write", path);
        }
        done = placed ? real_pwritev(fd, parts, count, at) : real_writev(fd, parts, count);
        kept_error = errno;
        if (after) die("write", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return done;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    PASS(real_write(fd, data, size));
    struct iovec part = {(void *)data, size};
    return changed(fd, &part, 1, 0, 0);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    PASS(real_writev(fd, parts, count));
    return changed(fd, parts, count, 0, 0);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    PASS(raw_pwrite(fd, data, size, at));
    struct iovec part = {(void *)data, size};
    return changed(fd, &part, 1, at, 1);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

static int flushed(int fd, int (*really)(int)) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return really(fd);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    long before = hits;
    if (due(SYNC, path, &after)) {
        synced(fd, path, 1);
    } else if (action == LIE && hits != before) {
        result = 0; /* nothing is on the disk, whatever it says */
    } else {
        result = really(fd);
        kept_error = errno;
        synced(fd, path, result != 0);
        if (after) die("sync", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}
int fsync(int fd) {
    REAL(int, fsync, int);
    PASS(real_fsync(fd));
    return flushed(fd, real_fsync);
}
int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    PASS(real_fdatasync(fd));
    return flushed(fd, real_fdatasync);
}

int ftruncate64(int fd, off_t size) {
    char path[PATH_MAX];
    PASS(raw_truncate(fd, size));
    if (!path_of(fd, path)) return raw_truncate(fd, size);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    if (!due(TRUNCATE, path, &after)) {
        struct stat st;
        struct file *f = file_of(fd, path);
        if (f && fstat(fd, &st) == 0 && size < st.st_size) keep(f, fd, size, st.st_size), f->cut = 1;
        result = raw_truncate(fd, size);
        kept_error = errno;
        if (after) die("truncate", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int renamed(int from_dir, const char *from, int to_dir, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    REAL(int, renameat, int, const char *, int, const char *);
    if (!path_at(from_dir, from, old) || !path_at(to_dir, to, new)) return real_renameat(from_dir, from, to_dir, to);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    if (!due(RENAME, new, &after)) {
        char kept[PATH_MAX] = "";
        struct stat st;
        if (power != KEPT && lstat(new, &st) == 0) hide(new, kept);
        result = real_renameat(from_dir, from, to_dir, to);
        kept_error = errno;
        if (result == 0 && power != KEPT) {
            struct name *n = noted(RENAME, new);
            strcpy(n->from, old);
            strcpy(n->kept, kept);
            for (struct file *f = files; f; f = f->next)
                if (strcmp(f->path, old) == 0) strcpy(f->path, new);
        }
        if (after) die("rename", new);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}
int rename(const char *from, const char *to) {
    PASS(raw_rename(from, to));
    return renamed(AT_FDCWD, from, AT_FDCWD, to);
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    PASS(real_renameat(from_dir, from, to_dir, to));
    return renamed(from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *name, int flags) {
    char path[PATH_MAX];
    REAL(int, unlinkat, int, const char *, int);
    PASS(real_unlinkat(dir, name, flags));
    struct stat st;
    if (!path_at(dir, name, path) || lstat(path, &st)) return real_unlinkat(dir, name, flags);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    if (!due(UNLINK, path, &after)) {
        char kept[PATH_MAX] = "";
        if (power != KEPT && !(flags & AT_REMOVEDIR)) hide(path, kept);
        result = real_unlinkat(dir, name, flags);
        kept_error = errno;
        if (result == 0 && power != KEPT) {
            struct name *n = noted(UNLINK, path);
            n->folder = flags & AT_REMOVEDIR ? 1 : 0;
            strcpy(n->kept, kept);
        }
        if (after) die("unlink", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}
int unlink(const char *path) {
    PASS(raw_unlink(path));
    return unlinkat(AT_FDCWD, path, 0);
}

int mkdir(const char *name, mode_t mode) {
    char path[PATH_MAX];
    PASS(raw_mkdir(name, mode));
    struct stat st;
    if (!path_at(AT_FDCWD, name, path) || lstat(path, &st) == 0) return raw_mkdir(name, mode);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    if (!due(MKDIR, path, &after)) {
        result = raw_mkdir(name, mode);
        kept_error = errno;
        if (result == 0 && power != KEPT) noted(MKDIR, path);
        if (after) die("mkdir", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}

static int opened(int dir, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    REAL(int, openat64, int, const char *, int, ...);
    if (!armed || !(flags & (O_CREAT | O_TRUNC)) || !path_at(dir, name, path)) return real_openat64(dir, name, flags, mode);
    struct stat st;
    int there = lstat(path, &st) == 0;
    if (there && !(flags & O_TRUNC)) return real_openat64(dir, name, flags, mode);
    pthread_mutex_lock(&gate);
    int after, result = -1, kept_error = error_number;
    if (!due(CREATE, path, &after)) {
        if (there) {
            int fd = raw_open(path, O_RDONLY | O_CLOEXEC, 0);
            if (fd >= 0) {
                struct file *f = file_of(fd, path);
                if (f) keep(f, fd, 0, st.st_size), f->cut = 1;
                close(fd);
            }
        }
        result = real_openat64(dir, name, flags, mode);
        kept_error = errno;
        if (result >= 0 && !there && power != KEPT) noted(CREATE, path);
        if (after) die("create", path);
    }
    pthread_mutex_unlock(&gate);
    errno = kept_error;
    return result;
}
#define MODE                                 \
    mode_t mode = 0;                         \
    if (flags & (O_CREAT | __O_TMPFILE)) {   \
        va_list rest;                        \
        va_start(rest, flags);               \
        mode = va_arg(rest, mode_t);         \
        va_end(rest);                        \
    }
int open(const char *name, int flags, ...) {
    MODE return opened(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE return opened(AT_FDCWD, name, flags, mode);
}
int openat(int dir, const char *name, int flags, ...) {
    MODE return opened(dir, name, flags, mode);
}
int openat64(int dir, const char *name, int flags, ...) {
    MODE return opened(dir, name, flags, mode);
}

/* What the tests call */

void fault_watch(const char *under, const char *keep_in, int losing, uint64_t seed, int report_to) {
    snprintf(folder, sizeof folder, "%s", under);
    snprintf(attic, sizeof attic, "%s", keep_in);
    power = losing, chance = seed, report = report_to;
    memset(counted, 0, sizeof counted);
    action = COUNT, matched = hits = later = then = 0;
    armed = 1;
}

/* From the `at`-th of the calls to come, for `many` calls of these kinds on paths with this ending. If `kill` is not 0,
   the process ends before the `kill`-th call of any kind after them. */
void fault_plan(int what, int error, unsigned of_kinds, const char *ending, long at, long many, long kill) {
    pthread_mutex_lock(&gate);
    action = what, error_number = error, kinds = of_kinds, first = at, window = many, then = kill;
    snprintf(suffix, sizeof suffix, "%s", ending);
    matched = hits = later = 0;
    pthread_mutex_unlock(&gate);
}

long fault_hits(void) { return hits; }
long fault_matched(void) { return matched; }
long fault_counted(int kind) { return counted[kind]; }

void fault_die(const char *how) {
    pthread_mutex_lock(&gate);
    die(how, "");
}

static void *sleeper(void *microseconds) {
    usleep((useconds_t)(intptr_t)microseconds);
    fault_die("at random");
    return NULL;
}

int fault_die_later(long microseconds) {
    pthread_t thread;
    return pthread_create(&thread, NULL, sleeper, (void *)(intptr_t)microseconds);
}
