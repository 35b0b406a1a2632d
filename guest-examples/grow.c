// Takes memory until it gets no more, and touches all of it. It never sees more than the manifest's `limits.memory`.
//
//   policy:  policies/nothing.toml
//   run:     bailiwick run target/guests/grow.wasm --policy policies/nothing.toml --as nothing-bot
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 1024 * 1024 };

int main(void) {
    for (int pieces = 0;; pieces++) {
        volatile char *piece = malloc(PIECE);
        if (!piece) {
            printf("no more after %d MiB\n", pieces);
            return 0;
        }
        for (int at = 0; at < PIECE; at += 4096) piece[at] = 1;
        if (pieces % 8 == 7) {
            printf("%d MiB\n", pieces + 1);
            fflush(stdout);
        }
    }
}
