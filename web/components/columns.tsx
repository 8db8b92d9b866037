interface Column {
  key: string;
  /** What it stands for, in words. */
  text: string;
  /** From 0 to 1, beside the highest. */
  height: number;
  /** The part of it that is marked, from 0 to 1. */
  marked?: number;
}

interface ColumnsProps {
  label: string;
  columns: Column[];
}

/** Small columns side by side, such as one for each day; a list of texts to who does not see them. */
export function Columns({ label, columns }: ColumnsProps) {
  return (
    <ol aria-label={label} className="flex h-14 items-end gap-px border-b" data-testid="columns">
      {columns.map(({ key, text, height, marked = 1 }) => (
        <li key={key} title={text} className="flex h-full min-w-0 flex-1 flex-col justify-end hover:bg-accent">
          <span className="sr-only">{text}</span>
          <span
            aria-hidden="true"
            className="flex flex-col justify-end overflow-hidden rounded-t-[2px] bg-primary/25"
            style={{ height: `${height * 100}%` }}
          >
            <span className="bg-primary" style={{ height: `${marked * 100}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}
