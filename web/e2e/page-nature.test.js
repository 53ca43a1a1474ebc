// What each workload is drawn as, and what the inspector tells by an object's nature.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, ready, type, useBrowser, write } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=10" });
const inspector = () => test.page.getByTestId("inspector");
const diagram = () => test.page.getByTestId("diagram");
const named = (label) => diagram().getByRole("button", { name: label });

beforeEach(() => ready(test.page));

async function apply(text) {
  await write(test.page, text);
  await test.page.getByTestId("apply").click();
  await test.page.getByTestId("console-output").getByText("created").first().waitFor();
}

async function inspect(label) {
  await named(label).first().focus();
  await test.page.keyboard.press("Enter");
  await inspector().waitFor();
}

const SET = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: m, image: nginx, volumeMounts: [{name: data, mountPath: /data}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;

it("draws a StatefulSet's ordinals and volumes, and leads from claim to volume, pod and node", async () => {
  await apply(SET);
  await named(/^StatefulSet db, .*0 ready, 1 ready, 2 ready/).waitFor({ timeout: 60_000 });
  await named(/^PersistentVolumeClaim data-db-1, Bound · 1Gi/).waitFor();
  await named(/^Pod db-1, .*volume data-db-1/).waitFor();
  await inspect(/^PersistentVolumeClaim data-db-1/);
  await inspector().getByRole("button", { name: "Pod db-1" }).waitFor();
  await inspector().getByRole("button", { name: /^Node node-/ }).waitFor();
  await inspector().getByRole("button", { name: /^PersistentVolume pvc-/ }).click();
  await inspector().getByRole("button", { name: "PersistentVolumeClaim data-db-1" }).waitFor();
});

it("draws a Job's indexes and a DaemonSet's nodes", async () => {
  await apply(`apiVersion: batch/v1
kind: Job
metadata: {name: sums}
spec:
  completions: 3
  parallelism: 1
  completionMode: Indexed
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: busybox, command: [sh, -c, "sleep 5"]}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: logs}
spec:
  selector: {matchLabels: {app: logs}}
  template:
    metadata: {labels: {app: logs}}
    spec: {containers: [{name: c, image: nginx}]}
`);
  await named(/^DaemonSet logs, .*control-plane no pod, node-1 ready, node-2 ready, node-3 ready/).waitFor({ timeout: 60_000 });
  await named(/^Job sums, .*0 done, 1 done, 2 done/).waitFor({ timeout: 60_000 });
  await inspect(/^Job sums/);
  await inspector().getByText("completedIndexes").waitFor();
});

it("says of a pod that fits nowhere which node refuses it, and why", async () => {
  await answer(test.page, "kubectl run big --image=nginx --overrides='{\"spec\":{\"containers\":[{\"name\":\"big\",\"image\":\"nginx\",\"resources\":{\"requests\":{\"cpu\":\"64\"}}}]}}'");
  await named(/^Pod big, Pending/).waitFor();
  await inspect(/^Pod big/);
  const table = inspector().getByTestId("reasons");
  await table.getByRole("columnheader", { name: "Insufficient cpu" }).waitFor();
  const row = table.getByRole("row", { name: /^node-1/ });
  assert.match(await row.innerText(), /×/);
  assert.equal(await table.getByRole("row").count(), 5);
});

it("tells a pod's life with its reasons", async () => {
  await answer(test.page, "kubectl run bad --image=busybox -- sh -c 'sleep 2; exit 3'");
  await named(/^Pod bad, CrashLoopBackOff/).waitFor({ timeout: 60_000 });
  await inspect(/^Pod bad/);
  const life = inspector().getByTestId("life");
  const told = await life.innerText();
  for (const reason of ["Created", "Scheduled", "Pulled", "Started", "Error", "exit code 3", "BackOff"]) {
    assert.ok(told.includes(reason), `${reason} in ${told}`);
  }
});

it("shows what a node has, what is asked of it, and what is used once somebody measures", async () => {
  await answer(test.page, "kubectl create deployment web --image=nginx --replicas=3");
  await answer(test.page, "kubectl set resources deployment web --requests=cpu=500m,memory=1Gi --limits=cpu=1");
  await answer(test.page, "kubectl rollout status deployment web");
  await inspect(/^node-1 /);
  const usage = inspector().getByTestId("usage");
  await usage.getByText("500m of 2, 25%").waitFor();
  await usage.getByText("1Gi of 4Gi, 25%").waitFor();
  await usage.getByText("limits 1").waitFor();
  await inspector().getByText("minikube addons enable metrics-server").waitFor();
  await answer(test.page, "minikube addons enable metrics-server");
  await usage.getByText(/used \d+m/).waitFor({ timeout: 60_000 });
});

it("shows a rollout's arithmetic, and an autoscaler, an Ingress and a NetworkPolicy as records", async () => {
  const { page } = test;
  await answer(page, "kubectl create deployment web --image=nginx --replicas=3");
  await answer(page, "kubectl rollout status deployment web");
  await answer(page, "kubectl autoscale deployment web --min=3 --max=6 --cpu=50%");
  await answer(page, "kubectl create ingress web --rule='web.local/*=web:80'");
  await named(/^HorizontalPodAutoscaler web, cpu .*\/50% · 3–6/).waitFor();
  await named(/^Ingress web, web.local/).waitFor();
  await page.getByTestId("speed").fill("3"); // ×1
  await answer(page, "kubectl set image deployment web nginx=nginx:1.29");
  await inspect(/^Deployment web/);
  const budget = inspector().getByTestId("budget");
  await budget.getByText(/≤ 3 \+ 1/).waitFor();
  await budget.getByText("maxSurge 25%: it may add 0 now.").waitFor();
  await inspect(/^Ingress web/);
  await inspector().getByText("web.local/ → web:80").waitFor();
  await apply(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
`);
  await inspect(/^NetworkPolicy closed, app=web · Ingress/);
  await inspector().getByText("podSelector").waitFor();
});

it("stops the scheduler and starts it again: what is created meanwhile waits", async () => {
  await inspect("kube-scheduler");
  await inspector().getByRole("button", { name: "Stop process" }).click();
  await test.page.getByTestId("console-output").getByText("kube-scheduler stopped").waitFor();
  await type(test.page, "kubectl run later --image=nginx");
  await named(/^Pod later, Pending/).waitFor();
  await test.page.waitForTimeout(1_500);
  await named(/^Pod later, Pending/).waitFor();
  await inspect("kube-scheduler");
  await inspector().getByRole("button", { name: "Start process" }).click();
  await named(/^Pod later, Running/).waitFor({ timeout: 60_000 });
});

it("cuts a node off and connects it again: it is NotReady, though its pods answer", async () => {
  await inspect(/^node-2 /);
  await inspector().getByRole("button", { name: "Cut off" }).click();
  await inspector().getByRole("button", { name: "Connect again" }).waitFor();
  await diagram().getByText("cut off").first().waitFor({ state: "attached" });
  await inspector().getByText(/^NodeStatusUnknown/).first().waitFor({ timeout: 60_000 });
  await inspector().getByRole("button", { name: "Connect again" }).click();
  await inspector().getByRole("button", { name: "Cut off" }).waitFor();
  await inspector().getByText(/^KubeletReady/).first().waitFor({ timeout: 60_000 });
});

it("stops whatever can fail, and starts it again", async () => {
  await answer(test.page, "kubectl create deployment web --image=nginx");
  for (const [part, name] of [["etcd", "etcd"], ["kubelet, node-1", "node-1/kubelet"], ["deployment, ", "deployment-controller"]]) {
    await diagram().getByRole("button", { name: new RegExp(`^${part}`) }).first().focus();
    await test.page.keyboard.press("Enter");
    await inspector().getByRole("button", { name: "Stop process" }).click();
    await test.page.getByTestId("console-output").getByText(`${name} stopped`).waitFor();
    await inspector().getByRole("button", { name: "Start process" }).click();
    await test.page.getByTestId("console-output").getByText(`${name} started`).waitFor();
    await inspector().getByRole("button", { name: "Stop process" }).waitFor();
  }
});
