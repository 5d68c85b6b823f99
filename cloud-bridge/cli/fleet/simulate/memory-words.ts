/**
 * How much memory a unit takes, from what the program grew by. A program gives memory back when it likes: with few units the growth may drown
 * in that, and below a hundredth of a megabyte nothing is left to be told.
 */
export function memoryWords(bytesPerUnit: number, withBridge: boolean): string {
  const megabytes = (bytesPerUnit / 1e6).toFixed(2);
  if (!(Number(megabytes) > 0)) return 'too little to measure beside what the program gave back meanwhile';
  return `${megabytes} MB a unit${withBridge ? ', bridge included' : ''}`;
}
