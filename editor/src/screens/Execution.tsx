export default function Execution() {
  return null;
}
