import { Upload } from 'lucide-react';
import { useRef } from 'react';
import { Button } from '../../components/ui/button';
import { useImport } from './acts';

/** Takes in a file of groups or queues. */
export function ImportButton() {
  const field = useRef<HTMLInputElement>(null);
  const take = useImport();
  return (
    <>
      <input
        ref={field}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="A file of groups or queues"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) take.mutate(file);
          event.target.value = '';
        }}
      />
      <Button needs="approve" icon={Upload} disabled={take.isPending} onClick={() => field.current?.click()}>
        Import
      </Button>
    </>
  );
}
