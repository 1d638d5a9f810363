#include <stddef.h>
#include <stdint.h>

#define SHAPES_LIMIT 0x10u

enum shape_kind { SHAPE_LINE = 1, SHAPE_BOX = 4 };

struct shape {
  enum shape_kind kind;
  union {
    uint16_t length;
    struct { uint8_t width, height; } box;
  } size;
};

uint32_t shapes_area(const struct shape *shapes, size_t count);
