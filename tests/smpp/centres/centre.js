// A message centre on npm's `smpp`: node centre.js PORT FILE [KEY CERTIFICATE]
// It writes each message that it reads as a line of JSON into FILE, and reports it delivered. It refuses numbers that end
// with 000, and has each that ends with 058 sent twice.
const fs = require("fs");
const smpp = require("smpp");

const [port, file, key, cert] = process.argv.slice(2);
const options = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
let count = 0;
const throttled = new Set();

function bound(session, pdu) {
  if (pdu.password !== "secret") {
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    session.close();
    return;
  }
  session.send(pdu.response({ system_id: "centre" }));
}

function submitted(session, pdu) {
  const to = pdu.destination_addr;
  if (to.endsWith("000")) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    return;
  }
  if (to.endsWith("058") && !throttled.has(to)) {
    throttled.add(to);
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    return;
  }
  const read = pdu.message_payload || pdu.short_message;
  const udh = read.udh ? [...(Array.isArray(read.udh) ? read.udh[0] : read.udh)] : null;
  const heard = {
    to, text: read.message, udh, source: pdu.source_addr, validity: pdu.validity_period,
    reference: pdu.user_message_reference, part: pdu.sar_segment_seqnum, parts: pdu.sar_total_segments,
  };
  fs.appendFileSync(file, JSON.stringify(heard) + "\n");
  const message_id = `n${++count}`;
  session.send(pdu.response({ message_id }));
  const said = `id:${message_id} sub:001 dlvrd:001 submit date:2707141200 done date:2707141201 stat:DELIVRD err:000 text:`;
  session.deliver_sm({
    esm_class: 4, short_message: said, receipted_message_id: message_id, message_state: 2,
    user_message_reference: pdu.user_message_reference,
  });
}

const server = smpp.createServer(options, (session) => {
  session.on("error", () => session.destroy());
  for (const kind of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) {
    session.on(kind, (pdu) => bound(session, pdu));
  }
  session.on("submit_sm", (pdu) => submitted(session, pdu));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(`Listening on port ${port}`));
