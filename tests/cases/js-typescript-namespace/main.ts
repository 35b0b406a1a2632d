const before: number = 1;
namespace Shapes {
  export const sides = 4;
}
result = Shapes.sides + before;
