import Model
import Vocabulary

extension Grammar {
    /// What there is: the lines of a scenario before its first step.
    static let setupForms: [Form<Draft>] = [
        Form(
            "tags TAGS",
            "Themes of the scenario, and the row of BEHAVIOURS.md that it covers; `--tag` chooses by them.",
            otherwise: "none",
            example: """
                scenario "chosen by its tags"
                  tags quick, SF01
                  service app

                  start
                  expect app ready within 5s
                """
        ) { $0.scenario.tags += $1.texts(0) },
        Form(
            "requires ABILITIES",
            "What an init must be able to do; against one that cannot the verdict is `not-applicable`. Several services "
                + "require `supervision`, `after` requires `ordering`, whether it is written or not.",
            otherwise: "nothing",
            example: """
                scenario "for inits that look after several services"
                  requires supervision
                  service db
                  service api

                  start
                  expect db, api ready within 5s
                """
        ) { $0.scenario.requires += $1.texts(0).compactMap(Ability.init(rawValue:)) },
        Form(
            "about NAMES",
            "The inits that the scenario is about, by the names of their profiles; to others it does not apply. `none` is the command "
                + "itself as PID 1.",
            otherwise: "every init", once: true,
            example: """
                scenario "nobody passes the signal on"
                  about none
                  command sh -c "sleep 60; :"
                  stop signal SIGTERM grace 100ms

                  start
                  wait 100ms
                  stop
                  expect exit on SIGKILL
                """
        ) { $0.scenario.inits += $1.texts(0) },
        Form(
            "needs NAMES",
            "Programs of the host by name, and files by their path, without which the scenario does not apply.",
            otherwise: "none",
            example: """
                scenario "a session of its own"
                  needs setsid
                  command setsid sh -c "exit 4"

                  start
                  expect state exited within 5s
                """
        ) { $0.scenario.programs += $1.texts(0) },
        Form(
            "runtime RUNTIME [NUMBER] [with ENGINE]",
            "Whose rules the container is driven by, and the engine's major version. From Docker 28 on a program that cannot be executed ends with 255, before with 1, and an `exec` of one "
                + "that is not there with 127, before with 126. Under kubernetes the engine may be named: CRI-O 1.18.0 to 1.22.0 sends SIGTERM in place "
                + "of a real-time signal.",
            otherwise: "what the run is given (--runtime), else docker; as 20.10 does it", once: true,
            example: """
                scenario "as Docker does it"
                  runtime docker
                  service app

                  start
                  expect app ready within 5s
                """
        ) {
            $0.scenario.runtime = $1.text(0).flatMap(Runtime.init(rawValue:))
            $0.scenario.engineVersion = $1.number(2)
            $0.scenario.engine = $1.text(4).flatMap { ContainerEngine($0) }
        },
        Form(
            "stop signal SIGNAL [grace GRACE]",
            "The signal that asks the container to end, and the time from there to SIGKILL. A negative time has no end.",
            otherwise: "the signal of the init's profile, else SIGTERM; 10s, under kubernetes 30s", once: true,
            example: """
                scenario "stopped with a real-time signal"
                  stop signal SIGRTMIN+3 grace 2s
                  service app
                    exits 0 on SIGRTMIN+3

                  start
                  wait for app ready within 5s
                  stop
                  expect exit 0
                """
        ) {
            $0.scenario.stop.signal = $1.signal(0)
            if let grace = $1.duration(2) { $0.scenario.stop.grace = grace }
        },
        Form(
            "restart policy POLICY",
            "When the runtime starts the container again by itself.", otherwise: "no", once: true,
            example: """
                scenario "a crash loop"
                  restart policy on-failure:3
                  service app
                    exits 1 after 10ms

                  start
                  expect restarts 3 within 5s
                """
        ) { if case .restartPolicy(let policy) = $1[0] { $0.scenario.restart = policy } },
        Form(
            "auto-remove on",
            "The container is removed when it has ended, as with `docker run --rm`; a `restart` leaves it. Volumes stay.",
            otherwise: "it stays, with its layer", once: true,
            example: """
                scenario "nothing is left"
                  auto-remove on
                  service app

                  start
                  wait for app ready within 5s
                  stop
                  expect state removed
                """
        ) { draft, _ in draft.scenario.removesItself = true },
        Form(
            "live-restore on",
            "The container goes on while the runtime's daemon is away, as with Docker's setting of this name.",
            otherwise: "a daemon stops its containers when it ends", once: true,
            example: """
                scenario "nobody notices"
                  live-restore on
                  service app

                  start
                  wait for app ready within 5s
                  daemon restarts
                  expect state running
                  expect app received nothing
                """
        ) { draft, _ in draft.scenario.isLiveRestored = true },
        Form(
            "volume VOLUME at PATH [from DIRECTORY] [owner OWNER] [limit SIZE] [empty]",
            "A directory of its own, mounted there, that a new container finds as the old one left it. As long as it is empty a new "
                + "container copies into it what the image has at that place, with its owner and mode, as Docker and Podman do; with `from` "
                + "a directory of the host. With `empty` it stays empty and open to every user, as Kubernetes' emptyDir. Of the host's own root the "
                + "content of /tmp, /run and the like is not copied. `limit` is how much it may hold; otherwise all volumes together have 256 MiB.",
            otherwise: "none",
            example: """
                scenario "a volume can be written to"
                  volume data at /var/lib/app
                  command sh -c "echo kept > /var/lib/app/state"

                  start
                  expect exit 0 within 5s
                  expect file /var/lib/app/state contains "kept"
                """
        ) {
            var volume = Volume(name: $1.text(0) ?? "", path: $1.text(1) ?? "", place: .none)
            volume.source = $1.text(3)
            volume.owner = $1.owner(5)
            volume.limit = $1.number(7)
            volume.isEmpty = $1.isPresent(8)
            $0.scenario.settings.volumes.append(volume)
            $0.block = .volume
        },
        Form(
            "tmpfs PATH options TMPFS-OPTIONS",
            "One of them with options of Docker's `--tmpfs`: exec, ro, size=N, mode=N, uid=N, gid=N, with commas between. Without `mode` "
                + "it has that of the directory that is there already.",
            otherwise: "noexec,nosuid,nodev, 256 MiB",
            example: """
                scenario "programs in memory"
                  tmpfs /scratch options exec,size=1m
                  command sh -c "cp /bin/true /scratch/true && /scratch/true"

                  start
                  expect exit 0 within 5s
                """
        ) {
            let path = $1.text(0) ?? ""
            $0.scenario.settings.tmpfs.append(path)
            $0.scenario.settings.tmpfsOptions[path] = TmpfsOptions($1.text(1) ?? "")
        },
        Form(
            "tmpfs PATHS",
            "Private file systems in memory, mounted there with the options of Docker's `--tmpfs` (noexec, nosuid, nodev; 256 MiB at most).",
            otherwise: "none but those of the init's profile",
            example: """
                scenario "room for sockets"
                  tmpfs /run, /run/lock
                  command test -w /run/lock

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.tmpfs += $1.texts(0) },
        Form(
            "cgroup ACCESS",
            "How /sys/fs/cgroup shows the container's control group. `rw` and `ro`: as the unified hierarchy, with a namespace of its own "
                + "(`--cgroupns=private`; `ro` is Docker's default on hosts with version 2). `host-rw` and `host-ro`: as "
                + "`-v /sys/fs/cgroup:/sys/fs/cgroup`, with `:ro`; on a host with version 1 that is a directory of hierarchies, and those "
                + "stay writable even with `:ro`. `none`: an empty directory.",
            otherwise: "read-only on hosts with version 2 only; empty on others", once: true,
            example: """
                scenario "no control groups"
                  cgroup none
                  command sh -c "! test -e /sys/fs/cgroup/cgroup.procs"

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.cgroup = $1.text(0).flatMap(ContainerSettings.CgroupAccess.init(rawValue:)) },
        Form(
            "terminal on",
            "PID 1 has a terminal as its input and output, as with `docker run -t`: standard error is one with standard output.",
            otherwise: "input is /dev/null, the outputs are pipes", once: true,
            example: """
                scenario "PID 1 has a terminal"
                  terminal on
                  command tty

                  start
                  expect exit 0 within 5s
                  expect output contains "/dev/"
                """
        ) { draft, _ in draft.scenario.settings.hasTerminal = true },
        Form(
            "stdin open", "PID 1's standard input is a pipe that stays open, as with `docker run -i`.",
            otherwise: "/dev/null", once: true,
            example: """
                scenario "fed by hand"
                  about none
                  stdin open
                  command sh -c 'read line; test "$line" = hello'

                  start
                  type "hello\\n"
                  expect exit 0 within 5s
                """
        ) { draft, _ in draft.scenario.settings.hasOpenInput = true },
        Form(
            "capability CAPABILITIES", "What PID 1 may do beyond Docker's default set, as with `--cap-add`.",
            otherwise: "Docker's default set",
            example: """
                scenario "allowed to reboot"
                  capability SYS_BOOT
                  service app

                  start
                  expect app ready within 5s
                """
        ) {
            $0.scenario.settings.capabilities += $1.texts(0).compactMap(Capability.init(rawValue:))
        },
        Form(
            "inherits (ignored | blocked) CAUGHT-SIGNALS",
            "Signals that PID 1 is started with as ignored, or as blocked: what a careless parent leaves behind.",
            otherwise: "every signal has its default action, none is blocked",
            example: """
                scenario "a careless parent"
                  about reference
                  inherits ignored SIGCHLD
                  inherits blocked SIGTERM, SIGINT
                  service app

                  start
                  expect app ready within 5s
                """
        ) {
            if $1.alternative(0) == 0 {
                $0.scenario.settings.ignoredSignals += $1.signals(1)
            } else {
                $0.scenario.settings.blockedSignals += $1.signals(1)
            }
        },
        Form(
            "env ASSIGNMENT",
            "A variable of PID 1's environment; of several with one name the last counts.",
            otherwise: "PATH as Docker sets it, HOSTNAME, HOME=/root, and those of the init's profile",
            example: """
                scenario "a variable"
                  env GREETING="hello, world"
                  command sh -c 'test "$GREETING" = "hello, world"'

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.environment.append($1.text(0) ?? "") },
        Form(
            "user OWNER",
            "Who PID 1 is, by number, without further groups or capabilities, as with `docker run -u`.",
            otherwise: "0:0",
            once: true,
            example: """
                scenario "not as root"
                  user 568:568
                  command sh -c 'test "$(id -u):$(id -g)" = 568:568'

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.user = $1.owner(0) },
        Form(
            "hostname HOSTNAME", "The container's host name.", otherwise: "one of the harness's choice", once: true,
            example: """
                scenario "a name of its own"
                  hostname box
                  command sh -c 'test "$(uname -n)" = box'

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.hostname = $1.text(0) },
        Form(
            "rootfs DIRECTORY",
            "What the container finds under /, on the host; it is never written to. A relative path counts from the scenario's file.",
            otherwise: "the host's own root", once: true,
            example: """
                scenario "another root"
                  rootfs /
                  service app

                  start
                  expect app ready within 5s
                """
        ) { $0.scenario.settings.rootDirectory = $1.text(0) },
        Form(
            "image IMAGE",
            "The image that the container is made of: what `docker save`, `podman save` or `docker export` wrote, an OCI layout, or "
                + "a directory with a root file system, `docker:NAME` or `podman:NAME`, which are asked to save it. What the image says (entrypoint and command, environment, user, "
                + "working directory, stop signal, volumes, health check) holds where the scenario says nothing; `command` is the whole command line, `arguments` what goes after the entrypoint.",
            otherwise: "the host's own root", once: true,
            example: """
                scenario "made of what a directory holds"
                  image /
                  command sleep 60

                  start
                  expect state running for 100ms
                """
        ) { $0.scenario.settings.image = $1.text(0) },
        Form(
            "arguments COMMAND",
            "What goes after the image's entrypoint, in place of its command, as what `docker run` is given after the image.",
            otherwise: "the image's command", once: true,
            example: """
                scenario "asked for its version"
                  image /
                  arguments /bin/true

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.arguments = $1.texts(0) },
        Form(
            "working directory PATH", "Where PID 1 and each exec start; made where it is not there.",
            otherwise: "that of the image, else /", once: true,
            example: """
                scenario "somewhere else"
                  working directory /srv
                  command sh -c 'test "$(pwd)" = /srv'

                  start
                  expect exit 0 within 5s
                """
        ) { $0.scenario.settings.workingDirectory = $1.text(0) },
        Form(
            "pids limit COUNT",
            "How many processes the container may have at once; a fork beyond fails with EAGAIN.", otherwise: "2048",
            once: true,
            example: """
                scenario "no room for more"
                  pids limit 20
                  command sh -c "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do sleep 1 & done"

                  start
                  expect exit 2 within 5s
                """
        ) { $0.scenario.settings.processLimit = $1.number(0) },
        Form(
            "memory limit SIZE",
            "How much memory the container may use; the kernel kills what goes beyond.", otherwise: "no limit",
            once: true,
            example: """
                scenario "too much memory"
                  memory limit 64MiB
                  command sh -c "head -c 200m /dev/zero | tail > /dev/null"

                  start
                  wait for state exited within 10s
                  expect no exit 0
                """
        ) { $0.scenario.settings.memoryLimit = $1.number(0) },
        Form(
            "layer limit SIZE",
            "How much the container may write outside its volumes and tmpfs; a write beyond fails with ENOSPC.",
            otherwise: "256MiB", once: true,
            example: """
                scenario "the disk is full"
                  layer limit 1MiB
                  command sh -c "head -c 2m /dev/zero > /var/log/app.log"

                  start
                  expect exit 1 within 10s
                  expect output contains "No space left on device"
                """
        ) { $0.scenario.settings.layerLimit = $1.number(0) },
        Form(
            "ulimit RESOURCE LIMITS",
            "How much of a resource each process may have (setrlimit(2)), in the resource's own unit: bytes, seconds, a number; as with "
                + "`--ulimit`; of several for one resource the last counts. What the harness itself may have does not matter, but without "
                + "CAP_SYS_RESOURCE nothing goes beyond it.",
            otherwise: "nofile 1024:524288, stack 8388608:unlimited, the others unlimited where that may be",
            example: """
                scenario "eight open files"
                  ulimit nofile 8:16
                  command sh -c 'test "$(ulimit -n):$(ulimit -Hn)" = 8:16'

                  start
                  expect exit 0 within 5s
                """
        ) {
            if let resource = $1.text(0).flatMap(ResourceLimit.Resource.init(rawValue:)),
                let limit = ResourceLimit(resource, $1.text(1) ?? "")
            {
                $0.scenario.settings.resourceLimits.append(limit)
            }
        },
        Form(
            "read-only root on",
            "Nothing may be written but to volumes, tmpfs and /dev, as with `docker run --read-only`. What the scenario says about files is "
                + "there nevertheless.",
            otherwise: "the container has a layer of its own to write to", once: true,
            example: """
                scenario "nowhere to write the marker"
                  read-only root on
                  tmpfs /run
                  command sh -c "touch /run/works && touch /etc/marker"

                  start
                  expect exit 1 within 5s
                  expect output contains "Read-only file system"
                """
        ) { draft, _ in draft.scenario.settings.hasReadOnlyRoot = true },
        Form(
            "new privileges off",
            "No exec gives a process a privilege that its parent does not have, by a setuid file or one with capabilities: as with "
                + "`docker run --security-opt no-new-privileges`, or in a pod with `allowPrivilegeEscalation: false`.",
            otherwise: "sudo, su and ping may have what their files say", once: true,
            example: """
                scenario "a user who stays one"
                  about none
                  user 1000:1000
                  new privileges off
                  command sh -c "grep NoNewPrivs /proc/self/status; exec sleep 60"

                  start
                  expect output line "NoNewPrivs:\\t1" within 5s
                """
        ) { draft, _ in draft.scenario.settings.hasNoNewPrivileges = true },
        Form(
            "pid namespace shared",
            "The container is started in a PID namespace that has a PID 1 already, which reaps and does nothing else: as with `docker run --pid=container:…`, "
                + "or in a pod with shareProcessNamespace, all of whose containers are in it. What is PID 1 elsewhere is a process like others then: "
                + "a signal without a handler ends it, orphans are not its own, and when it has ended the runtime kills what is left of the container.",
            otherwise: "its own", once: true,
            example: """
                scenario "without a handler, and ended all the same"
                  about none
                  pid namespace shared
                  command sh -c "echo here; exec sleep 60"

                  start
                  wait for output line "here" within 5s
                  stop
                  expect exit 143
                """
        ) { draft, _ in draft.scenario.sharesProcesses = true },
        Form(
            "post-start COMMAND",
            "A command that is carried out inside when the container has been started, beside what it runs; `start` returns when it has ended. "
                + "Under kubernetes at each start, also by the restart policy, and where it fails the container is stopped, and its policy asked. "
                + "Under compose at each start by hand, and where it fails `start` is refused, and the container runs on.",
            otherwise: "none", once: true,
            example: """
                scenario "registered"
                  runtime kubernetes
                  post-start touch /registered
                  service app

                  start
                  expect file /registered exists
                """
        ) { $0.scenario.startHook = $1.texts(0) },
        Form(
            "pre-stop COMMAND",
            "A command that is carried out inside before the stop signal is sent, as Kubernetes and Compose have it. Under kubernetes its time "
                + "counts, in whole seconds, but for the last two of the grace period, and whether it fails does not matter. Under compose it has "
                + "its own time, and where it fails the stop is refused.",
            otherwise: "none", once: true,
            example: """
                scenario "the hook sends the signal that the runtime does not"
                  runtime kubernetes
                  stop signal SIGTERM grace 2s
                  pre-stop kill -RTMIN+3 1
                  service app
                    ignores SIGTERM
                    exits 0 on SIGRTMIN+3

                  start
                  wait for app ready within 5s
                  stop
                  expect exit 0
                """
        ) { $0.scenario.stop.hook = $1.texts(0) },
        Form(
            "no health check", "That of the image is not asked, as with `docker run --no-healthcheck`.",
            otherwise: "the image's, where it has one", once: true,
            example: """
                scenario "nobody asks how it is"
                  no health check
                  service app

                  start
                  expect app ready within 5s
                """
        ) { draft, _ in draft.scenario.hasNoHealthCheck = true },
        Form(
            "health check [every TIME] [within TIME] [retries NUMBER] [start period TIME] COMMAND",
            "A command that is carried out inside again and again; where it ends with 0 the container is healthy, where it fails too often in a row "
                + "it is unhealthy. What comes of that is the runtime's: others may wait for it (`depends on`), and Kubernetes starts it again, as after a "
                + "liveness probe.",
            otherwise: "every 30s, within 30s, 3 retries, no start period; under kubernetes every 10s, within 1s",
            once: true,
            example: """
                scenario "it becomes well"
                  health check every 50ms within 5s retries 2 start period 10s test -e /run/up
                  command sh -c "sleep 0.2; touch /run/up; exec sleep 60"

                  start
                  expect state healthy within 10s
                """
        ) {
            $0.scenario.healthCheck = HealthCheck(
                $1.texts(8), interval: $1.duration(1), limit: $1.duration(3), retries: $1.number(5),
                startPeriod: $1.duration(7))
        },
        Form(
            "command COMMAND",
            "What the init is given to run, in place of services. With `--init none` it is PID 1 itself.",
            otherwise: "the services", once: true,
            example: """
                scenario "the status of the command"
                  command sh -c "exit 3"

                  start
                  expect exit 3 within 5s
                """
        ) { $0.scenario.settings.payload = .command($1.texts(0)) },
        Form(
            "entrypoint initialises marker PATH steps NAMES [each TIME] then COMMAND",
            "A fake entrypoint in place of services: when the marker is not there it goes through its steps and writes it; "
                + "then it becomes the command.",
            otherwise: "none", once: true,
            example: """
                scenario "initialised once"
                  volume data at /var/lib/maas
                  entrypoint initialises marker /var/lib/maas/.initialized steps schema, users each 10ms then sleep 60

                  start
                  expect initialised once within 5s
                """
        ) {
            let command = $1.texts(4)
            $0.scenario.settings.payload = .entrypoint(
                Entrypoint(
                    marker: $1.text(0) ?? "", steps: $1.texts(1), stepTakes: $1.duration(3) ?? .zero, command: command))
        },
        Form(
            "file PATH [mode MODE] [owner OWNER]",
            "A file that is there when the container is made; its lines are in the block below, each after `| `. "
                + "A last line `|\\` says that the text ends without a newline. On a volume it is there when the volume is new.",
            otherwise: "mode 644, owner 0:0",
            example: """
                scenario "an entrypoint in the scenario"
                  file /entrypoint.sh mode 755 owner 568:568
                    | #!/bin/sh
                    | echo "first run"
                    | exec "$@"
                  command /entrypoint.sh sh -c "exit 7"

                  start
                  expect exit 7 within 5s
                  expect output contains "first run"
                """
        ) {
            let path = $1.text(0) ?? ""
            var file = File(path: path, text: "", place: .none)
            if let mode = $1.number(2) { file.mode = UInt16(mode) }
            if let owner = $1.owner(4) { file.owner = owner }
            $0.scenario.settings.files.append(file)
            $0.block = .file
        },
        Form(
            "service NEW-NAME [after SERVICES]",
            "A process that the init is to start and look after, after those that it names; how it behaves is in "
                + "the block below. Without a block it is a well-behaved daemon: ready at once, ends at once with status 0 on "
                + "the stop signal, SIGTERM and SIGINT.",
            example: """
                scenario "one behind the other"
                  service db
                    ready after 20ms
                  service api after db

                  start
                  expect db, api ready within 5s
                """
        ) {
            let name = $1.text(0) ?? ""
            $0.scenario.services.append(
                Service(name: name, after: $1.texts(2), place: .none))
            $0.block = .service
        },
    ]
}
