/** Workflows to start from, each with a picture of its steps. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { LayoutTemplate } from "lucide-react";
import { useMemo, useState } from "react";
import toast from "react-hot-toast";
import { useNavigate } from "react-router";
import { misc, templates } from "@/api/calls";
import type { Template } from "@/api/types";
import { Button } from "@/components/Button";
import { nodeLook } from "@/components/canvas/nodeLook";
import { Dialog } from "@/components/Dialog";
import { TextField } from "@/components/Field";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { edgesOf, nodesOf } from "@/domain/definition";
import { catalogueOf, typeOf, type Catalogue } from "@/domain/nodeTypes";
import { NODE_WIDTH, placeAll } from "@/domain/placing";
import { readPlain } from "@/domain/read";
import { isMap, type Format, type PlainMap } from "@/domain/tree";
import { useMay } from "@/store/session";

export default function Templates() {
  const list = useQuery({ queryKey: ["templates"], queryFn: templates.list, staleTime: 300_000 });
  const types = useQuery({ queryKey: ["node-types"], queryFn: misc.nodeTypes, staleTime: Infinity });
  const catalogue = useMemo(() => catalogueOf(types.data?.items ?? []), [types.data]);
  const may = useMay("developer");
  const [chosen, setChosen] = useState<Template>();
  return (
    <Page title="Templates" hint="Common workflows, ready to be changed.">
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.data.items.length === 0 ? (
        <div className="panel">
          <Empty icon={<LayoutTemplate size={22} />} title="No templates on this server" />
        </div>
      ) : (
        <ul className="grid grid-cols-3 gap-4 max-lg:grid-cols-2 max-sm:grid-cols-1">
          {list.data.items.map((template) => (
            <li key={template.id} className="panel flex flex-col overflow-hidden">
              <Picture template={template} catalogue={catalogue} />
              <div className="flex flex-1 flex-col gap-1.5 p-3.5">
                <h2 className="text-base font-semibold">{template.name}</h2>
                <p className="flex-1 text-ink-2">{template.description}</p>
                <div className="mt-1 flex items-center gap-1.5">
                  {template.trigger && <Badge>{template.trigger}</Badge>}
                  {template.tags.slice(0, 2).map((tag) => (
                    <Badge key={tag}>{tag}</Badge>
                  ))}
                  <Button
                    className="ml-auto"
                    disabled={!may}
                    onClick={() => setChosen(template)}
                    aria-label={`Use ${template.name}`}
                  >
                    Use
                  </Button>
                </div>
              </div>
            </li>
          ))}
        </ul>
      )}
      {chosen && <UseTemplate template={chosen} onClose={() => setChosen(undefined)} />}
    </Page>
  );
}

function UseTemplate({ template, onClose }: { template: Template; onClose: () => void }) {
  const go = useNavigate();
  const [name, setName] = useState(template.name);
  const make = useMutation({
    mutationFn: () => templates.use(template.id, { name }),
    onSuccess: (workflow) => void go(`/workflows/${workflow.id}/editor`),
    onError: (error) => toast.error(error.message),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`New from “${template.name}”`}
      description={template.description}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button weight="primary" disabled={!name.trim() || make.isPending} onClick={() => make.mutate()}>
            Create
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <TextField
          label="Name"
          required
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {template.questions.length > 0 && (
          <div>
            <h3 className="label mb-1">A run will ask for</h3>
            <ul>
              {template.questions.map((question) => (
                <li key={question.name} className="flex gap-2 border-b border-line py-1 last:border-0">
                  <span className="font-mono text-xs leading-5">{question.name}</span>
                  <Badge>{question.type}</Badge>
                  <span className="text-xs leading-5 text-ink-3">{question.description}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Dialog>
  );
}

/** The drawing in small. */
function Picture({ template, catalogue }: { template: Template; catalogue: Catalogue }) {
  const drawing = useMemo(() => {
    const raw = plainOf(template);
    const nodes = nodesOf(raw);
    const edges = edgesOf(raw);
    const positions = placeAll(nodes, edges, () => ({ width: NODE_WIDTH, height: 58 }));
    const places = Object.values(positions);
    const width = Math.max(...places.map((place) => place.x), 0) + NODE_WIDTH;
    const height = Math.max(...places.map((place) => place.y), 0) + 58;
    return { nodes, edges, positions, width, height };
  }, [template]);
  const { nodes, edges, positions, width, height } = drawing;
  return (
    <svg
      role="img"
      aria-label={`Steps: ${nodes.map((node) => node.label).join(", ")}`}
      viewBox={`-20 -20 ${width + 40} ${height + 40}`}
      className="h-36 w-full border-b border-line bg-[var(--canvas)]"
    >
      {edges.map((edge) => {
        const from = positions[edge.source];
        const to = positions[edge.target];
        if (!from || !to) return null;
        const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + 29, to.x, to.y + 29];
        return (
          <path
            key={edge.id}
            d={`M${x1},${y1} C${x1 + 50},${y1} ${x2 - 50},${y2} ${x2},${y2}`}
            fill="none"
            stroke="var(--line-strong)"
            strokeWidth={5}
          />
        );
      })}
      {nodes.map((node) => {
        const { x, y } = positions[node.id]!;
        const { icon: Icon, ink } = nodeLook(node.type, typeOf(catalogue, node)?.variant);
        return (
          <g key={node.id} transform={`translate(${x},${y})`} className={ink}>
            <rect
              width={NODE_WIDTH}
              height={58}
              rx={12}
              fill="var(--panel)"
              stroke="currentColor"
              strokeOpacity={0.5}
              strokeWidth={4}
            />
            <Icon x={14} y={13} size={32} />
            <rect
              x={60}
              y={24}
              width={Math.min(140, 20 + node.label.length * 6)}
              height={10}
              rx={5}
              fill="var(--line-strong)"
            />
          </g>
        );
      })}
    </svg>
  );
}

function plainOf(template: Template): PlainMap {
  try {
    const plain = readPlain(template.content, template.format as Format);
    return isMap(plain) ? plain : {};
  } catch {
    return {};
  }
}
