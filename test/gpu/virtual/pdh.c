/* Windows' performance counters as pdh.dll answers for one of them, in its layout (64 bits). */
#include <stdint.h>
#include <string.h>

#define MORE_DATA 0x800007D2u
#define NO_COUNTER 0xC0000BB9u
#define INVALID_HANDLE 0xC0000BBCu

typedef struct {
  const uint16_t *name;
  uint32_t status;
  int64_t value;
} Item;

static const struct {
  const char *name;
  uint32_t status;
  int64_t value;
} RECORDED[] = {
    {"pid_4242_luid_0x00000000_0x0001D6F4_phys_0", 0, 2147483648},
    /* The same program on the graphics of its processor. */
    {"pid_4242_luid_0x00000000_0x00014DE1_phys_0", 0, 0},
    {"pid_980_luid_0x00000000_0x0001D6F4_phys_0", 1, 104857600},
    /* It ended while it was asked for. */
    {"pid_5555_luid_0x00000000_0x0001D6F4_phys_0", 0xC0000BBA, 123},
    /* It begins between the first question and the second. */
    {"pid_6060_luid_0x00000000_0x0001D6F4_phys_0", 0, 52428800},
};

static int query, counter, collected, asked;

uint32_t PdhOpenQueryW(const uint16_t *source, uintptr_t data, void **out) {
  if (source || data) return INVALID_HANDLE;
  *out = &query;
  return 0;
}

uint32_t PdhAddEnglishCounterW(void *of, const uint16_t *path, uintptr_t data, void **out) {
  const char *wanted = "\\GPU Process Memory(*)\\Dedicated Usage";
  if (of != &query || data) return INVALID_HANDLE;
  for (size_t i = 0; i <= strlen(wanted); i++)
    if (path[i] != (uint16_t)wanted[i]) return NO_COUNTER;
  *out = &counter;
  return 0;
}

uint32_t PdhCollectQueryData(void *of) {
  if (of != &query) return INVALID_HANDLE;
  collected++;
  asked = 0;
  return 0;
}

uint32_t PdhGetFormattedCounterArrayW(void *of, uint32_t format, uint32_t *bytes, uint32_t *count, void *buffer) {
  uint32_t all = sizeof RECORDED / sizeof RECORDED[0], items = asked++ == 0 ? all - 1 : all, need = 0;
  if (of != &counter || format != 0x400 || !collected) return INVALID_HANDLE;
  for (uint32_t i = 0; i < items; i++) need += sizeof(Item) + 2 * (strlen(RECORDED[i].name) + 1);
  *count = items;
  if (!buffer || *bytes < need) {
    *bytes = need;
    return MORE_DATA;
  }
  Item *item = buffer;
  uint16_t *text = (uint16_t *)(item + items);
  for (uint32_t i = 0; i < items; i++) {
    item[i].name = text;
    item[i].status = RECORDED[i].status;
    item[i].value = RECORDED[i].value;
    for (const char *c = RECORDED[i].name;; c++) {
      *text++ = (uint16_t)*c;
      if (!*c) break;
    }
  }
  return 0;
}

uint32_t PdhCloseQuery(void *of) { return of == &query ? 0 : INVALID_HANDLE; }

/* How often the counters were collected, for the tests. */
int pdh_collected(void) { return collected; }
