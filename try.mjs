import { createRedisTimerStore, createTimerConsumer } from '@timers/queue'
const url = 'redis+cluster://127.0.0.1:7301,127.0.0.1:7302'
const quiet = process.argv[2] !== '-v'
const log = Object.fromEntries(['trace','debug','info','warn','error','fatal'].map((l)=>[l,(f,m)=>{ if (l!=='debug' || !quiet) console.log(new Date().toISOString().slice(14,23), l, m, JSON.stringify(f).slice(0,200))}]))
const options = { redisUrl: url, shards: 8, log }
const store = createRedisTimerStore(options)
await store.start()
const seen = new Map(); const made = new Map(); let failed = 0
const consumer = createTimerConsumer({ ...options, concurrency: 100, retentionDays: 1, handle: async (due) => {
  const claim = await due.claim()
  if (claim.kind !== 'granted') { console.log('claim', due.timer.id, claim.kind); if (claim.kind==='taken') await due.settle(claim.attempt, {outcome:'interrupted', sentAt: Date.now()}, {kind:'final', status:'unknown'}); else await due.rest(); return }
  if (!claim.mayLeave()) return due.settle(claim.attempt, {outcome:'never_sent', sentAt: Date.now()}, {kind:'retry', at: Date.now()})
  const late = Date.now() - due.timer.dueAt
  seen.set(due.timer.id, [...(seen.get(due.timer.id) ?? []), late])
  await due.settle(claim.attempt, {outcome:'delivered', sentAt: Date.now(), responseStatus: 200}, {kind:'final', status:'fired'})
}})
store.failed.then((e)=>console.log('FAILED', e.message))
await consumer.start()
console.log('consumer on', JSON.stringify(store.health()))
const seconds = Number(process.argv.find((a)=>/^\d+$/.test(a)) ?? 5)
const end = Date.now() + seconds*1000
let worst = 0, lastOk = Date.now(), gap = 0
while (Date.now() < end) {
  const at = Date.now()
  await Promise.all(Array.from({length:5}, async () => { try { const t = await store.create({ url: 'http://x.example/', delayMs: 1000, delivery: 'at_most_once' }); made.set(t.id, Date.now()); gap=Math.max(gap, Date.now()-lastOk); lastOk=Date.now() } catch (e) { failed++; if (failed<5||failed%50===0) console.log('create', e.code, e.message, e.cause?.message) } worst=Math.max(worst, Date.now()-at)}))
  await new Promise((r)=>setTimeout(r, 10))
}
for (let i=0;i<150 && [...made.keys()].some((id)=>!seen.has(id));i++) await new Promise((r)=>setTimeout(r,100))
const lates=[...seen.values()].map((l)=>l[0]).sort((a,b)=>a-b)
console.log({ made: made.size, failed, lost: [...made.keys()].filter((id)=>!seen.has(id)).length, doubled: [...seen.values()].filter((l)=>l.length>1).length, maxLate: lates.at(-1), p99: lates[Math.floor(lates.length*.99)], worst, gap, health: store.health() })
await consumer.stop(); await store.close()
