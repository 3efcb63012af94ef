// The conversation in ussd-menu-builder, as its documentation writes one: states linked by what is typed, and data of a
// session in memory. Started with the folder that holds `node_modules`; then each line on standard input is a number of
// turns, answered with the CPU seconds that they took. From the fields of a request to the text of its reply.
"use strict";

const path = require("node:path");
const readline = require("node:readline");
const UssdMenu = require(path.join(process.argv[2], "node_modules", "ussd-menu-builder"));

const TYPED = ["", "1", "2", "3", "5000", "1"];
const SEEN = ["Choose", "network", "months", "Amount", "Confirm", "Thank you"];
const NETWORKS = ["MTN", "Airtel", "Lycamobile"];
const MEMBERS = 200;

const sessions = new Map();
const menu = new UssdMenu();
menu.sessionConfig({
  start: (id, done) => { if (!sessions.has(id)) sessions.set(id, {}); done(); },
  set: (id, key, value, done) => { sessions.get(id)[key] = value; done(); },
  get: (id, key, done) => done(null, sessions.get(id)[key]),
  end: (id, done) => { sessions.delete(id); done(); },
});

const money = (amount) => `UGX ${amount.toLocaleString("en")}`;
const numbered = (title, ...options) => [title, ...options.map((label, at) => `${at + 1} ${label}`)].join("\n");

menu.startState({
  run: () => menu.con(numbered("Hello Amina. Choose an option.", "Buy airtime", "Balance")),
  next: { 1: "network", 2: "balance" },
});
menu.state("balance", { run: () => menu.end(`Your balance is ${money(12345)}.`) });
menu.state("network", {
  run: () => menu.con(numbered("Choose a network", ...NETWORKS)),
  next: { "*^[123]$": "months" },
});
menu.state("months", {
  run: () => menu.session.set("network", menu.val).then(() => menu.con("For how many months?")),
  next: { "*^([1-9]|1[0-2])$": "amount" },
});
menu.state("amount", {
  run: () => menu.session.set("months", menu.val).then(() => menu.con("Amount")),
  next: { "*^[0-9]{3,7}$": "confirm" },
});
menu.state("confirm", {
  run: async () => {
    const amount = Number(menu.val);
    if (amount < 500 || amount > 5000000) return menu.con("Enter an amount from 500 to 5,000,000.");
    await menu.session.set("amount", amount);
    const network = NETWORKS[Number(await menu.session.get("network")) - 1];
    const months = await menu.session.get("months");
    return menu.con(numbered(`${money(amount)} on ${network} for ${months} months`, "Confirm", "Cancel"));
  },
  next: { 1: "done", 2: "cancelled" },
});
menu.state("done", {
  run: async () => menu.end(`Thank you. ${money(await menu.session.get("amount"))} airtime is on its way.`),
});
menu.state("cancelled", { run: () => menu.end("Cancelled.") });

let conversations = 0;

async function work(turns, checked) {
  for (let at = 0; at < turns; at++) {
    const place = at % TYPED.length;
    if (place === 0) conversations++;
    const said = await menu.run({
      sessionId: `bench/${conversations}`,
      phoneNumber: `+2567720${String(conversations % MEMBERS).padStart(5, "0")}`,
      serviceCode: "*284#",
      text: TYPED.slice(1, place + 1).join("*"),
    });
    if (checked && !said.includes(SEEN[place])) throw new Error(`expected ${SEEN[place]}, got ${said}`);
  }
}

(async () => {
  await work(TYPED.length * MEMBERS, true);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    await work(Number(line), false);
    const { user, system } = process.cpuUsage(before);
    process.stdout.write(`${(user + system) / 1e6}\n`);
  }
})();
