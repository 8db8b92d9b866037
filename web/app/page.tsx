import { Workspace } from "@/features/workspace/workspace";

export default function Page() {
  return <Workspace />;
}
