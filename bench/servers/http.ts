// Control: the cheapest honest answer to an unchanged poll that `node:http` can give, with nothing around it.
import http from 'node:http'
import { announce, listen } from './control.ts'

/** The validator that the load generator sends in `If-None-Match`. */
const etag = '"control.0"'

const server = http.createServer({ keepAliveTimeout: 72_000 }, (request, response) => {
  if (request.headers['if-none-match'] === etag) response.writeHead(304, { ETag: etag }).end()
  else response.writeHead(200, { ETag: etag, 'Content-Type': 'application/json' }).end('{}')
})

const port = await listen(server)
announce({ plain: `http://127.0.0.1:${port}` })
