// Sales by region: what an ordinary C program sees. It opens files by name, and knows nothing of policies.
// At the end it tries /etc/passwd; the answer is an errno like any other.
//
//   policy:  policies/summary.toml
//   run:     bailiwick run target/guests/sales.wasm --policy policies/summary.toml --as summary-bot
//            (another month: -- /sales/2026-09.csv)
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGIONS = 16 };

struct region {
    char name[24];
    long units, cents;
};

static struct region *find(struct region *regions, int *count, const char *name) {
    for (int i = 0; i < *count; i++)
        if (strcmp(regions[i].name, name) == 0) return &regions[i];
    if (*count == REGIONS) return NULL;
    struct region *added = &regions[(*count)++];
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

static void print(const char *name, long units, long cents) {
    printf("%-10s %8ld %9ld.%02ld\n", name, units, cents / 100, cents % 100);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "/sales/2026-10.csv";
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "sales: cannot open `%s`: %s\n", path, strerror(errno));
        return 1;
    }

    struct region regions[REGIONS] = {0};
    int count = 0, number = 0;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        if (number++ == 0) continue;  // the heading
        char name[24];
        long units, whole, hundredths;
        if (sscanf(line, "%*[^,],%23[^,],%*[^,],%ld,%ld.%2ld", name, &units, &whole, &hundredths) != 4) {
            fprintf(stderr, "sales: `%s`, line %d: not date,region,product,units,amount\n", path, number);
            return 1;
        }
        struct region *region = find(regions, &count, name);
        if (!region) {
            fprintf(stderr, "sales: `%s`, line %d: more than %d regions\n", path, number, REGIONS);
            return 1;
        }
        region->units += units;
        region->cents += whole * 100 + hundredths;
    }
    fclose(file);

    long units = 0, cents = 0;
    printf("%-10s %8s %12s\n", "region", "units", "amount");
    for (int i = 0; i < count; i++) {
        print(regions[i].name, regions[i].units, regions[i].cents);
        units += regions[i].units;
        cents += regions[i].cents;
    }
    print("total", units, cents);

    errno = 0;
    FILE *passwd = fopen("/etc/passwd", "r");
    printf("/etc/passwd: %s\n", passwd ? "opened" : strerror(errno));
    return passwd ? 2 : 0;
}
