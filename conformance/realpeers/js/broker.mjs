// An aedes broker that reads a PROXY header, v1 or v2, and prints one JSON line per event.
// Usage: node broker.mjs PORT
// Events: {"event":"listening"}, {"event":"met","id","from","header"}, {"event":"left","id","clean"}
import { Aedes } from 'aedes'
import { createServer } from 'aedes-server-factory'

const port = Number(process.argv[2])
const say = event => console.log(JSON.stringify(event))

const broker = await Aedes.createBroker({
  preConnect (client, packet, done) {
    const { ipAddress, port, isProxy } = client.connDetails
    say({ event: 'met', id: packet.clientId, from: `${ipAddress}:${port}`, header: isProxy })
    done(null, true)
  }
})
// aedes keeps to itself whether a client said DISCONNECT; it is what decides on the will.
broker.on('clientDisconnect', client => say({ event: 'left', id: client.id, clean: client._disconnected }))

createServer(broker, { trustProxy: true }).listen(port, '127.0.0.1', () => say({ event: 'listening' }))
process.stdin.resume().on('end', () => process.exit(0)) // the test has gone
