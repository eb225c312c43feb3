// An MQTT.js client that prints one JSON line per event.
// Usage: node client.mjs '{"mode","host","port","source","id","level","topic","payload","willTopic","will","tls":{"ca","cert","key"}}'
// Mode "publish" sends payload to topic at QoS 1 and leaves: {"event":"published","from"}.
// Mode "subscribe" stays until a line arrives on standard input: {"event":"subscribed","from"}, {"event":"message","topic","payload","qos"}.
import net from 'node:net'
import tls from 'node:tls'
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'

const call = JSON.parse(process.argv[2])
const say = event => console.log(JSON.stringify(event))

let from
const dial = () => {
  const to = { host: call.host, port: call.port, localAddress: call.source }
  const file = name => readFileSync(call.tls[name])
  const socket = call.tls ? tls.connect({ ...to, ca: file('ca'), cert: file('cert'), key: file('key') }) : net.connect(to)
  socket.on('connect', () => { from = `${socket.localAddress}:${socket.localPort}` })
  return socket
}
const client = new mqtt.MqttClient(dial, {
  clientId: call.id,
  protocolId: call.level === 3 ? 'MQIsdp' : 'MQTT',
  protocolVersion: call.level,
  reconnectPeriod: 0,
  ...(call.will && { will: { topic: call.willTopic, payload: call.will, qos: 1, retain: false } })
})
client.on('error', fail)
process.on('unhandledRejection', fail)

function fail (error) {
  console.error(error)
  process.exit(1)
}

async function publish () {
  await client.publishAsync(call.topic, call.payload, { qos: 1 })
  say({ event: 'published', from })
  await client.endAsync()
}

async function subscribe () {
  client.on('message', (topic, payload, packet) => say({ event: 'message', topic, payload: payload.toString(), qos: packet.qos }))
  await client.subscribeAsync(call.topic, { qos: 1 })
  process.stdin.once('data', () => client.end(false, {}, () => process.exit(0)))
  process.stdin.once('end', () => process.exit(1)) // the test has gone
  say({ event: 'subscribed', from })
}

client.once('connect', call.mode === 'publish' ? publish : subscribe)
