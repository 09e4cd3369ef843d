export default function Executions() {
  return null;
}
