/** A person by name; programs and schedules by what they are. */
import { useQuery } from "@tanstack/react-query";
import { teams } from "@/api/calls";
import { useSession, useTeam } from "@/store/session";

export function Person({ id }: { id: string }) {
  const me = useSession((session) => session.me);
  const team = useTeam();
  const members = useQuery({
    queryKey: ["members", team?.id],
    queryFn: () => teams.members(team!.id),
    enabled: team !== undefined,
    staleTime: 60_000,
  });
  if (id === me?.id) return <>me</>;
  const known = members.data?.items.find((member) => member.userId === id);
  return <>{known?.name ?? (/^[a-z]+$/.test(id) && id.length < 12 ? id : "somebody")}</>;
}
