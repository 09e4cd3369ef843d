/** What is wrong with a definition: said by the server, or seen at once in the drawing. */
import type { components } from "@/api/schema";
import type { WorkflowEdge, WorkflowNode } from "./definition";

type Answer = components["schemas"]["ProblemAnswer"];
export type Problem = Pick<Answer, "code" | "message" | "severity"> & Partial<Answer>;

/** Seen without asking anybody: what makes the drawing itself impossible. */
export function structureProblems(nodes: readonly WorkflowNode[], edges: readonly WorkflowEdge[]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const node of nodes) {
    if (seen.has(node.id)) {
      problems.push({
        code: "duplicate-id",
        message: `Two nodes are called “${node.id}”.`,
        node: node.id,
        severity: "error",
      });
    }
    seen.add(node.id);
  }
  for (const edge of edges) {
    for (const end of [edge.source, edge.target]) {
      if (!seen.has(end)) {
        problems.push({
          code: "unknown-node",
          message: `An edge speaks of “${end}”, which does not exist.`,
          node: end === edge.source ? edge.target : edge.source,
          severity: "error",
        });
      }
    }
  }
  if (nodes.length > 0 && !nodes.some((node) => node.type === "trigger")) {
    problems.push({
      code: "no-trigger",
      message: "No trigger starts this workflow.",
      hint: "Add one from the palette.",
      severity: "warning",
    });
  }
  return problems;
}

export function byNode(problems: readonly Problem[]): Map<string, Problem[]> {
  const result = new Map<string, Problem[]>();
  for (const problem of problems) {
    if (!problem.node) continue;
    const list = result.get(problem.node);
    if (list) list.push(problem);
    else result.set(problem.node, [problem]);
  }
  return result;
}
