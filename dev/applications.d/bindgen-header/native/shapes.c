#include "shapes.h"

uint32_t shapes_area(const struct shape *shapes, size_t count) {
  uint32_t area = 0;
  for (size_t i = 0; i < count; i++)
    area += shapes[i].kind == SHAPE_BOX ? shapes[i].size.box.width * shapes[i].size.box.height : shapes[i].size.length;
  return area;
}
