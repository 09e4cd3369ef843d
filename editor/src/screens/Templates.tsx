/** Workflows to start from, each with a picture of its steps. */
import { useQuery } from "@tanstack/react-query";
import { LayoutTemplate } from "lucide-react";
import { useMemo, useState } from "react";
import { misc, templates } from "@/api/calls";
import type { Template } from "@/api/types";
import { Button } from "@/components/Button";
import { Empty, Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { Picture } from "@/components/templates/Picture";
import { UseTemplate } from "@/components/templates/UseTemplate";
import { catalogueOf, type Catalogue } from "@/domain/nodeTypes";
import { readPlain } from "@/domain/read";
import { isMap, type Format, type PlainMap } from "@/domain/tree";
import { useMay } from "@/store/session";

/** What every template is tagged with says nothing about any of them. */
const KINDS = new Set(["template", "example"]);

export default function Templates() {
  const list = useQuery({ queryKey: ["templates"], queryFn: templates.list, staleTime: 300_000 });
  const types = useQuery({ queryKey: ["node-types"], queryFn: misc.nodeTypes, staleTime: Infinity });
  const catalogue = useMemo(() => catalogueOf(types.data?.items ?? []), [types.data]);
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
              <Card template={template} catalogue={catalogue} onUse={() => setChosen(template)} />
            </li>
          ))}
        </ul>
      )}
      {chosen && <UseTemplate template={chosen} onClose={() => setChosen(undefined)} />}
    </Page>
  );
}

function Card({
  template,
  catalogue,
  onUse,
}: {
  template: Template;
  catalogue: Catalogue;
  onUse: () => void;
}) {
  const may = useMay("developer");
  const raw = useMemo(() => plainOf(template), [template]);
  return (
    <>
      <Picture raw={raw} catalogue={catalogue} />
      <div className="flex flex-1 flex-col gap-1.5 p-3.5">
        <h2 className="text-base font-semibold">{template.name}</h2>
        <p className="flex-1 text-ink-2">{template.description}</p>
        <div className="mt-1 flex items-center gap-1.5">
          {template.trigger && <Badge>{template.trigger}</Badge>}
          {template.tags
            .filter((tag) => !KINDS.has(tag) && tag !== template.trigger)
            .slice(0, 2)
            .map((tag) => (
              <Badge key={tag}>{tag}</Badge>
            ))}
          <Button className="ml-auto" disabled={!may} onClick={onUse} aria-label={`Use ${template.name}`}>
            Use
          </Button>
        </div>
      </div>
    </>
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
