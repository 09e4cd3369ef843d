/** Who belongs to the team, what each may do, and who is invited. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy, Trash2, UserPlus } from "lucide-react";
import { useState, type FormEvent } from "react";
import toast from "react-hot-toast";
import { teams } from "@/api/calls";
import type { Member, Role } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { Confirm, Dialog } from "@/components/Dialog";
import { SelectField, Switch, TextField } from "@/components/Field";
import { Failure, Loading, Page } from "@/components/Page";
import { Badge } from "@/components/Status";
import { Table } from "@/components/Table";
import { Ago } from "@/components/Time";
import { useMay, useSession, useTeam } from "@/store/session";

const ROLES: [Role, string][] = [
  ["viewer", "Viewer: sees everything but secrets"],
  ["approver", "Approver: also decides approvals"],
  ["developer", "Developer: also edits and runs workflows"],
  ["admin", "Admin: also connections, members and tokens"],
  ["owner", "Owner: everything"],
];

export default function Team() {
  const team = useTeam();
  const me = useSession((session) => session.me);
  const may = useMay("admin");
  const queries = useQueryClient();
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member>();
  const id = team?.id ?? "";
  const members = useQuery({
    queryKey: ["members", id],
    queryFn: () => teams.members(id),
    enabled: id !== "",
  });
  const invitations = useQuery({
    queryKey: ["invitations", id],
    queryFn: () => teams.invitations(id),
    enabled: id !== "" && may,
  });
  const settings = useQuery({ queryKey: ["team", id], queryFn: () => teams.get(id), enabled: id !== "" });
  const fresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ["members"] }),
      queries.invalidateQueries({ queryKey: ["invitations"] }),
      queries.invalidateQueries({ queryKey: ["team"] }),
    ]);
  const failed = (error: Error) => toast.error(error.message);
  const change = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) => teams.changeMember(id, user, role),
    onError: failed,
    onSettled: fresh,
  });
  const remove = useMutation({
    mutationFn: (user: string) => teams.removeMember(id, user),
    onError: failed,
    onSettled: fresh,
  });
  const revoke = useMutation({
    mutationFn: (invitation: string) => teams.revokeInvitation(id, invitation),
    onError: failed,
    onSettled: fresh,
  });
  const policy = useMutation({
    mutationFn: (allow: boolean) => teams.change(id, { allowSelfApproval: allow }),
    onError: failed,
    onSettled: fresh,
  });

  return (
    <Page
      title={team?.name ?? "Team"}
      actions={
        may && (
          <Button weight="primary" icon={<UserPlus size={14} />} onClick={() => setInviting(true)}>
            Invite
          </Button>
        )
      }
    >
      {members.isPending ? (
        <Loading />
      ) : members.isError ? (
        <Failure error={members.error} retry={() => void members.refetch()} />
      ) : (
        <div className="flex flex-col gap-5">
          <Table
            label="Members"
            rows={members.data.items}
            keyOf={(member) => member.userId}
            columns={[
              {
                title: "Person",
                cell: (member) => (
                  <div>
                    <span className="font-medium">{member.name}</span>{" "}
                    {member.userId === me?.id && <Badge>you</Badge>}
                    <div className="text-xs text-ink-3">{member.email}</div>
                  </div>
                ),
              },
              {
                title: "Role",
                cell: (member) =>
                  may && member.userId !== me?.id ? (
                    <select
                      aria-label={`Role of ${member.name}`}
                      className="input !w-36"
                      value={member.role}
                      onChange={(event) =>
                        change.mutate({ user: member.userId, role: event.target.value as Role })
                      }
                    >
                      {ROLES.map(([role]) => (
                        <option key={role}>{role}</option>
                      ))}
                    </select>
                  ) : (
                    member.role
                  ),
              },
              { title: "Since", cell: (member) => <Ago at={member.since} /> },
              {
                title: "Actions",
                silent: true,
                className: "text-right",
                cell: (member) =>
                  may &&
                  member.userId !== me?.id && (
                    <IconButton label={`Remove ${member.name}`} onClick={() => setRemoving(member)}>
                      <Trash2 size={14} />
                    </IconButton>
                  ),
              },
            ]}
          />
          {may && (invitations.data?.items.length ?? 0) > 0 && (
            <section>
              <h2 className="label mb-1.5">Invited</h2>
              <Table
                label="Invitations"
                rows={invitations.data!.items}
                keyOf={(invitation) => invitation.id}
                columns={[
                  { title: "E-mail", cell: (invitation) => invitation.email },
                  { title: "Role", cell: (invitation) => invitation.role },
                  { title: "Until", cell: (invitation) => <Ago at={invitation.expiresAt} /> },
                  {
                    title: "Actions",
                    silent: true,
                    className: "text-right",
                    cell: (invitation) => (
                      <IconButton
                        label={`Take back the invitation of ${invitation.email}`}
                        onClick={() => revoke.mutate(invitation.id)}
                      >
                        <Trash2 size={14} />
                      </IconButton>
                    ),
                  },
                ]}
              />
            </section>
          )}
          {settings.data && (
            <section className="panel max-w-xl p-4">
              <h2 className="label mb-2">Rules</h2>
              <Switch
                label="People may vote on runs that they started themselves"
                hint="Even then their own vote is never the only one."
                checked={settings.data.allowSelfApproval}
                disabled={!may}
                onChange={(allow) => policy.mutate(allow)}
              />
            </section>
          )}
        </div>
      )}
      {inviting && <Invite team={id} onClose={() => setInviting(false)} onDone={() => void fresh()} />}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => removing && remove.mutate(removing.userId)}
        title={`Remove ${removing?.name}?`}
        verb="Remove"
        danger
      >
        They lose access at once. What they did stays in the audit log.
      </Confirm>
    </Page>
  );
}

function Invite({ team, onClose, onDone }: { team: string; onClose: () => void; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const invite = useMutation({ mutationFn: () => teams.invite(team, email, role), onSuccess: onDone });
  return (
    <Dialog open onClose={onClose} title="Invite somebody">
      {invite.data ? (
        <Once
          label="Invitation"
          value={invite.data.url}
          hint="Send this address to them. It is shown this once."
          onClose={onClose}
        />
      ) : (
        <form
          className="flex flex-col gap-3"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            invite.mutate();
          }}
        >
          <TextField
            label="E-mail"
            type="email"
            required
            autoFocus
            value={email}
            error={invite.error?.message}
            onChange={(event) => setEmail(event.target.value)}
          />
          <SelectField
            label="Role"
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
            choices={ROLES.map(([value, label]) => ({ value, label }))}
          />
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" weight="primary" disabled={invite.isPending}>
              Invite
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** A value that is shown one time. */
export function Once({
  label,
  value,
  hint,
  onClose,
}: {
  label: string;
  value: string;
  hint: string;
  onClose: () => void;
}) {
  return (
    <div className="flex flex-col gap-3">
      <p className="text-ink-2">{hint}</p>
      <div className="flex gap-1">
        <input
          aria-label={label}
          readOnly
          className="input font-mono"
          value={value}
          onFocus={(event) => event.target.select()}
        />
        <Button
          icon={<Copy size={14} />}
          onClick={() => {
            void navigator.clipboard?.writeText(value);
            toast.success("Copied", { duration: 1500 });
          }}
        >
          Copy
        </Button>
      </div>
      <div className="flex justify-end">
        <Button weight="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  );
}
