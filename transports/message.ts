// The draft and the message: one schema that validates on the server and gives the types to everyone.
import Type, { type Static } from 'typebox'

const uuidVersion7 = '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

/**
 * What a client sends. `id` is a UUIDv7 (RFC 9562 §5.7) that the client makes: sending the same draft again is safe.
 * `text.ts` says what the schema language cannot: bytes in UTF-8, control characters, blank texts.
 */
export const DraftSchema = Type.Object(
  {
    id: Type.String({ pattern: uuidVersion7 }),
    user: Type.String({ minLength: 1 }),
    text: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
)

/** What the log holds: the draft, its offset in the room (from 1, no holes) and the server's clock in ms since the Unix epoch. */
export const MessageSchema = Type.Object(
  {
    id: Type.String({ pattern: uuidVersion7 }),
    user: Type.String({ minLength: 1 }),
    text: Type.String({ minLength: 1 }),
    offset: Type.Integer({ minimum: 1 }),
    time: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
)

export type Draft = Readonly<Static<typeof DraftSchema>>
export type Message = Readonly<Static<typeof MessageSchema>>
