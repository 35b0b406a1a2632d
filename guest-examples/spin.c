// Never ends by itself: fuel or time must end it. The report's `stop` says which, and `bailiwick run` exits with 5.
//
//   policy:  policies/nothing.toml
//   run:     bailiwick run target/guests/spin.wasm --policy policies/nothing.toml --as nothing-bot
#include <stdio.h>

int main(void) {
    volatile unsigned long turns = 0;
    puts("spinning");
    fflush(stdout);
    for (;;) turns++;
}
