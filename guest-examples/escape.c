// Tries to get out, and prints what each attempt was answered. It fails if there is a surprise: an escape that worked,
// or an honest call that did not.
//
//   policy:  policies/files-rw.toml
//   run:     bailiwick run target/guests/escape.wasm --policy policies/files-rw.toml --as files-bot
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int surprises;

static void judge(const char *call, int worked, int expected) {
    printf("%-8s %-62s %s\n", worked == expected ? "" : "SURPRISE", call, worked ? "done" : strerror(errno));
    surprises += worked != expected;
}

#define ALLOWED(call) (errno = 0, judge(#call, (call) >= 0, 1))
#define REFUSED(call) (errno = 0, judge(#call, (call) >= 0, 0))
#define CREATE (O_CREAT | O_TRUNC | O_WRONLY)

int main(void) {
    struct stat about;
    int file, folder;
    char deep[6000] = "/inbox";
    for (int i = 6; i < 5990; i += 2) memcpy(deep + i, "/a", 2);

    puts("what the policy grants");
    ALLOWED(file = open("/inbox/letter.txt", O_RDONLY));
    ALLOWED(folder = open("/inbox", O_RDONLY | O_DIRECTORY));
    ALLOWED(openat(folder, "minutes.txt", O_RDONLY));
    ALLOWED(open("/outbox/escape.txt", CREATE, 0600));
    ALLOWED(mkdir("/outbox/tmp", 0700) == 0 || errno == EEXIST ? 0 : -1);
    ALLOWED(open("/outbox/tmp/note", CREATE, 0600));
    ALLOWED(unlink("/outbox/tmp/note"));

    puts("names that lead elsewhere");
    REFUSED(open("/etc/passwd", O_RDONLY));
    REFUSED(open("/inbox/../../../../etc/passwd", O_RDONLY));
    REFUSED(open("/inbox/../inbox/letter.txt", O_RDONLY));
    REFUSED(open("/inbox/./letter.txt", O_RDONLY));
    REFUSED(open("/inbox//letter.txt", O_RDONLY));
    REFUSED(open("/inbox\\letter.txt", O_RDONLY));
    REFUSED(open("/inbox/..\\..\\etc\\passwd", O_RDONLY));
    REFUSED(open("/proc/self/fd/0", O_RDONLY));
    REFUSED(open("/proc/self/environ", O_RDONLY));
    REFUSED(open("/dev/null", O_WRONLY));
    REFUSED(open(deep, O_RDONLY));
    REFUSED(openat(file, "letter.txt", O_RDONLY));
    REFUSED(openat(folder, "../outbox/escape.txt", O_RDONLY));
    REFUSED(stat("/etc/passwd", &about));
    REFUSED(chdir("/etc"));
    REFUSED(opendir("/etc") ? 0 : -1);

    puts("links");
    REFUSED(symlink("/etc/passwd", "/outbox/absolute"));
    REFUSED(symlink("../../../../etc", "/outbox/upwards"));
    REFUSED(link("/inbox/letter.txt", "/outbox/hard"));

    puts("more than the grant");
    REFUSED(open("/inbox/letter.txt", O_WRONLY));
    REFUSED(open("/inbox/letter.txt", O_RDONLY | O_TRUNC));
    REFUSED(open("/inbox/new.txt", CREATE, 0600));
    REFUSED(unlink("/inbox/letter.txt"));
    REFUSED(unlink("/outbox/escape.txt"));
    REFUSED(rename("/inbox/letter.txt", "/outbox/letter.txt"));
    REFUSED(rename("/outbox/escape.txt", "/inbox/escape.txt"));
    REFUSED(rename("/outbox/escape.txt", "/escape.txt"));
    REFUSED(utimensat(AT_FDCWD, "/inbox/letter.txt", NULL, 0));
    REFUSED(mkdir("/inbox/folder", 0700));
    REFUSED(mkdir("/mount", 0700));
    REFUSED(rmdir("/inbox"));

    printf("%d surprises\n", surprises);
    return surprises != 0;
}
