// Counts lines, words and bytes, as `wc` does: arguments, standard input, files under a mount, standard output.
// With `-o FILE` the counts go to a file that the policy lets it write.
//
//   policy:  policies/files-rw.toml
//   run:     bailiwick run target/guests/wordcount.wasm --policy policies/files-rw.toml --as files-bot
//              -- /inbox/letter.txt /inbox/minutes.txt -o /outbox/counts.txt
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct counts {
    unsigned long lines, words, bytes;
};

static int count(FILE *file, struct counts *counts) {
    char buffer[16384];
    size_t got;
    int inside = 0;
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        counts->bytes += got;
        for (size_t i = 0; i < got; i++) {
            counts->lines += buffer[i] == '\n';
            int space = isspace((unsigned char)buffer[i]) != 0;
            counts->words += inside == 0 && !space;
            inside = !space;
        }
    }
    return ferror(file) ? -1 : 0;
}

static int fail(const char *what, const char *path) {
    fprintf(stderr, "wordcount: cannot %s `%s`: %s\n", what, path, strerror(errno));
    return 1;
}

static void print(FILE *out, struct counts counts, const char *name) {
    fprintf(out, "%7lu %7lu %7lu %s\n", counts.lines, counts.words, counts.bytes, name);
}

int main(int argc, char **argv) {
    FILE *out = stdout;
    int files = 0, failed = 0;
    struct counts total = {0};

    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "-o") == 0 && !(out = fopen(argv[i + 1], "w"))) return fail("write", argv[i + 1]);

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0) {
            i++;
            continue;
        }
        struct counts counts = {0};
        FILE *file = fopen(argv[i], "r");
        files++;
        if (!file || count(file, &counts) < 0)
            failed |= fail("read", argv[i]);
        else
            print(out, counts, argv[i]);
        if (file) fclose(file);
        total.lines += counts.lines, total.words += counts.words, total.bytes += counts.bytes;
    }
    if (files == 0) {
        if (count(stdin, &total) < 0) return fail("read", "standard input");
        print(out, total, "-");
    } else if (files > 1) {
        print(out, total, "total");
    }
    if (fclose(out) != 0) return fail("write", "the counts");
    return failed;
}
