/* Lets one system call below a folder fail: loaded by failing_calls.py with LD_PRELOAD.

   FAIL_UNDER: the folder. FAIL_AT: the number of the call, from 1; 0 for none.
   FAIL_ERRNO: the number that it reports. FAIL_ON: 1 if all later calls fail too, as on a
   full disk. FAIL_LOG: a file that receives a line for every call that was counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int counted;

static void path_of(int folder, const char *name, char *out) {
    char link[64];
    ssize_t length = 0;
    if (name && name[0] == '/') {
        snprintf(out, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(out, PATH_MAX)) out[0] = 0;
        length = strlen(out);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        length = readlink(link, out, PATH_MAX - 1);
        if (length < 0) length = 0;
        out[length] = 0;
    }
    if (name) snprintf(out + length, PATH_MAX - length, "/%s", name);
}

static int fails(const char *call, int folder, const char *name) {
    const char *under = getenv("FAIL_UNDER");
    char path[2 * PATH_MAX];
    int saved = errno;
    if (!under) return 0;
    path_of(folder, name, path);
    if (strncmp(path, under, strlen(under))) {
        errno = saved;
        return 0;
    }
    int number = atomic_fetch_add(&counted, 1) + 1;
    const char *log = getenv("FAIL_LOG"), *at = getenv("FAIL_AT"), *on = getenv("FAIL_ON");
    if (log) {
        char line[2 * PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%d %s %s\n", number, call, path);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0666);
        if (syscall(SYS_write, file, line, length) < 0) {}
        syscall(SYS_close, file);
    }
    errno = saved;
    int wanted = at ? atoi(at) : 0;
    if (!wanted || !(number == wanted || (on && atoi(on) && number > wanted))) return 0;
    errno = atoi(getenv("FAIL_ERRNO"));
    return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CREATES (O_CREAT | O_WRONLY | O_RDWR)

#define OPENS(name)                                                                   \
    int name(const char *path, int flags, ...) {                                      \
        va_list rest;                                                                 \
        va_start(rest, flags);                                                        \
        mode_t mode = flags & CREATES ? va_arg(rest, mode_t) : 0;                     \
        va_end(rest);                                                                 \
        if (flags & CREATES && fails("open", AT_FDCWD, path)) return -1;              \
        return NEXT(name)(path, flags, mode);                                         \
    }
#define OPENS_AT(name)                                                                \
    int name(int folder, const char *path, int flags, ...) {                          \
        va_list rest;                                                                 \
        va_start(rest, flags);                                                        \
        mode_t mode = flags & CREATES ? va_arg(rest, mode_t) : 0;                     \
        va_end(rest);                                                                 \
        if (flags & CREATES && fails("open", folder, path)) return -1;                \
        return NEXT(name)(folder, path, flags, mode);                                 \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

ssize_t write(int fd, const void *data, size_t n) {
    return fails("write", fd, NULL) ? -1 : NEXT(write)(fd, data, n);
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    return fails("write", fd, NULL) ? -1 : NEXT(pwrite)(fd, data, n, at);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    return fails("write", fd, NULL) ? -1 : NEXT(pwrite64)(fd, data, n, at);
}
ssize_t writev(int fd, const struct iovec *data, int n) {
    return fails("write", fd, NULL) ? -1 : NEXT(writev)(fd, data, n);
}
ssize_t sendfile(int to, int from, off_t *at, size_t n) {
    return fails("write", to, NULL) ? -1 : NEXT(sendfile)(to, from, at, n);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) {
    return fails("write", to, NULL) ? -1 : NEXT(sendfile64)(to, from, at, n);
}
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t n, unsigned f) {
    return fails("write", to, NULL) ? -1 : NEXT(copy_file_range)(from, a, to, b, n, f);
}
int fsync(int fd) { return fails("fsync", fd, NULL) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return fails("fsync", fd, NULL) ? -1 : NEXT(fdatasync)(fd); }
int ftruncate(int fd, off_t n) {
    return fails("truncate", fd, NULL) ? -1 : NEXT(ftruncate)(fd, n);
}
int ftruncate64(int fd, off64_t n) {
    return fails("truncate", fd, NULL) ? -1 : NEXT(ftruncate64)(fd, n);
}
int mkdir(const char *path, mode_t mode) {
    return fails("mkdir", AT_FDCWD, path) ? -1 : NEXT(mkdir)(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    return fails("mkdir", folder, path) ? -1 : NEXT(mkdirat)(folder, path, mode);
}
int rename(const char *from, const char *to) {
    return fails("rename", AT_FDCWD, to) ? -1 : NEXT(rename)(from, to);
}
int renameat(int f, const char *from, int t, const char *to) {
    return fails("rename", t, to) ? -1 : NEXT(renameat)(f, from, t, to);
}
int renameat2(int f, const char *from, int t, const char *to, unsigned flags) {
    return fails("rename", t, to) ? -1 : NEXT(renameat2)(f, from, t, to, flags);
}
int link(const char *from, const char *to) {
    return fails("link", AT_FDCWD, to) ? -1 : NEXT(link)(from, to);
}
int linkat(int f, const char *from, int t, const char *to, int flags) {
    return fails("link", t, to) ? -1 : NEXT(linkat)(f, from, t, to, flags);
}
int symlink(const char *from, const char *to) {
    return fails("symlink", AT_FDCWD, to) ? -1 : NEXT(symlink)(from, to);
}
int symlinkat(const char *from, int t, const char *to) {
    return fails("symlink", t, to) ? -1 : NEXT(symlinkat)(from, t, to);
}
