export default function Metrics() {
  return null;
}
