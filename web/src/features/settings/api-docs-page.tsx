import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Page, Section } from '../../components/ui/page';

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  format?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  oneOf?: Schema[];
  allOf?: Schema[];
}
interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  responses: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}
interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

const nameOf = (ref: string) => ref.split('/').at(-1) ?? ref;

/** A schema in a few words. */
export function sayType(schema: Schema | undefined): string {
  if (!schema) return '';
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const parts = schema.oneOf ?? schema.allOf;
  if (parts) return parts.map(sayType).join(' | ');
  const types = [schema.type ?? 'any'].flat();
  return types.map((type) => (type === 'array' ? `${sayType(schema.items)}[]` : (schema.format ?? type))).join(' | ');
}

/** Words of the document, with what stands between backticks as code. */
function Words({ text = '' }: { text?: string | undefined }) {
  return text.split('`').map((part, n) =>
    n % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: Words keep their order.
      <code key={n} className="font-mono text-xs">
        {part}
      </code>
    ),
  );
}

/** The API, from the document that its types are made of. */
export function ApiDocsPage() {
  const document = useQuery({
    queryKey: ['openapi'],
    queryFn: ({ signal }) => get<Document>('/api/v1/openapi.json', signal),
  });
  if (document.isPending) return <Skeleton lines={8} />;
  if (document.error) return <Failed error={document.error} retry={() => void document.refetch()} />;
  const { info, tags = [], paths, components } = document.data;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return (
    <Page
      title={`${info.title} API ${info.version}`}
      aside={
        <a href="/api/v1/openapi.json" className="inline-flex items-center text-accent hover:underline coarse:min-h-11">
          OpenAPI 3.1
        </a>
      }
    >
      <p className="max-w-2xl whitespace-pre-line text-ink-2">
        <Words text={info.description} />
      </p>
      {tags.map((tag) => (
        <Section key={tag.name} title={tag.description ?? tag.name}>
          {operations
            .filter(({ operation }) => operation.tags?.includes(tag.name))
            .map(({ path, method, operation }) => (
              <details key={`${method} ${path}`} className="border-line border-b py-2">
                <summary className="flex flex-wrap items-baseline gap-x-3 coarse:min-h-11 coarse:py-3">
                  <code className="font-mono text-xs [overflow-wrap:anywhere]">
                    <span className="font-semibold text-accent">{method.toUpperCase()}</span> {path}
                  </code>
                  <span className="text-ink-2">
                    <Words text={operation.summary} />
                  </span>
                </summary>
                <div className="space-y-2 py-3 pl-4">
                  {operation.description && operation.description !== operation.summary && (
                    <p className="text-ink-2">
                      <Words text={operation.description} />
                    </p>
                  )}
                  <dl className="space-y-1">
                    {operation.parameters?.map((parameter) => (
                      <div key={parameter.name} className="flex flex-wrap gap-x-3">
                        <dt className="font-mono text-xs">
                          {parameter.name}
                          {parameter.required ? '' : '?'}:{' '}
                          <span className="text-ink-3">{sayType(parameter.schema)}</span>
                        </dt>
                        <dd className="text-ink-2">
                          <Words text={parameter.description} />
                        </dd>
                      </div>
                    ))}
                  </dl>
                  {Object.entries(operation.responses).map(([code, response]) => (
                    <p key={code} className="font-mono text-ink-2 text-xs">
                      {code}{' '}
                      {Object.entries(response.content ?? {})
                        .map(([type, body]) => `${type} ${sayType(body.schema)}`)
                        .join(', ') || response.description}
                    </p>
                  ))}
                </div>
              </details>
            ))}
        </Section>
      ))}
      <Section title="Shapes">
        {Object.entries(components?.schemas ?? {}).map(([name, schema]) => (
          <details key={name} className="border-line border-b py-2">
            <summary className="coarse:min-h-11 coarse:py-3">
              <code className="font-mono text-xs">{name}</code>{' '}
              <span className="text-ink-2">
                <Words text={schema.description?.split('\n')[0]} />
              </span>
            </summary>
            <Properties schema={schema} />
          </details>
        ))}
      </Section>
    </Page>
  );
}

function Properties({ schema }: { schema: Schema }) {
  const parts = schema.oneOf ?? schema.allOf;
  if (parts) {
    // biome-ignore lint/suspicious/noArrayIndexKey: The order of a union is the document's.
    return parts.map((part, n) => <Properties key={n} schema={part} />);
  }
  if (!schema.properties) return <p className="py-2 pl-4 font-mono text-ink-2 text-xs">{sayType(schema)}</p>;
  return (
    <dl className="space-y-1 py-2 pl-4">
      {Object.entries(schema.properties).map(([name, property]) => (
        <div key={name} className="flex flex-wrap gap-x-3">
          <dt className="font-mono text-xs">
            {name}
            {schema.required?.includes(name) ? '' : '?'}: <span className="text-ink-3">{sayType(property)}</span>
          </dt>
          <dd className="text-ink-2">
            <Words text={property.description} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
