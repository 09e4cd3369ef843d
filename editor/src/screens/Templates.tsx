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
import { inOrder } from "@/domain/graph";
import { catalogueOf, typeOf, type Catalogue } from "@/domain/nodeTypes";
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
            <h3 className="label mb-1">It leaves open</h3>
            <ul>
              {template.questions.map((question) => (
                <li key={question.id} className="flex gap-2 border-b border-line py-1 last:border-0">
                  <span className="text-xs leading-5">{question.ask}</span>
                  <Badge>{question.type}</Badge>
                  <span className="text-xs leading-5 text-ink-3">{question.help}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Dialog>
  );
}

/** The steps in the order of the run; a way out after a failure stands apart. */
function Picture({ template, catalogue }: { template: Template; catalogue: Catalogue }) {
  const steps = useMemo(() => {
    const raw = plainOf(template);
    return inOrder(nodesOf(raw), edgesOf(raw));
  }, [template]);
  return (
    <ol
      aria-label="Steps"
      className="flex min-h-28 flex-wrap content-center items-center gap-y-2 border-b border-line bg-[var(--canvas)] px-4 py-4"
    >
      {steps.map((node, index) => {
        const {
          icon: Icon,
          ink,
          soft,
        } = nodeLook(node.type, typeOf(catalogue, node, template.trigger ?? undefined)?.variant);
        return (
          <li key={node.id} className="flex items-center" title={node.label}>
            {index > 0 && <span aria-hidden className="h-px w-2.5 bg-line-strong" />}
            <span
              className={`flex size-8 items-center justify-center rounded-md border border-line bg-panel ${ink}`}
            >
              <span className={`flex size-6 items-center justify-center rounded ${soft}`}>
                <Icon size={14} aria-hidden />
              </span>
              <span className="sr-only">{node.label}</span>
            </span>
          </li>
        );
      })}
    </ol>
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
