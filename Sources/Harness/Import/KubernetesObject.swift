import Model
import Vocabulary

extension ContainerDocument {
    /// An object, or a list of them, as `kubectl get -o json` prints it: one document for each pod that it makes.
    static func objects(of root: JSONNode, engine: String) throws -> [ImportedDocument] {
        let kind = try root["kind"]?.string() ?? ""
        if kind == "List" || kind.hasSuffix("List") {
            let all = try root["items"]?.list() ?? []
            if all.isEmpty { throw ImportError("the list has no objects") }
            return try objects(in: all, engine: engine)
        }
        let path: [String]
        switch kind {
        case "Pod": path = ["spec"]
        case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job":
            path = ["spec", "template", "spec"]
        case "CronJob": path = ["spec", "jobTemplate", "spec", "template", "spec"]
        default: throw ImportError("\(root.path.isEmpty ? "the document" : root.path) is a \(kind), which makes no pod")
        }
        var spec = root
        for key in path {
            guard let inner = spec[key] else {
                throw ImportError("\(spec.path.isEmpty ? "the document" : spec.path) has no '\(key)'")
            }
            spec = inner
        }
        let name = try root["metadata"]?["name"]?.string() ?? kind.lowercased()
        return [
            try pod(spec, name: name, usual: kind == "Job" || kind == "CronJob" ? "Never" : "Always", engine: engine)
        ]
    }

    /// Several objects: those that make no pod are told of.
    static func objects(in all: [JSONNode], engine: String) throws -> [ImportedDocument] {
        func makesPods(_ node: JSONNode) throws -> Bool {
            let kind = try node["kind"]?.string() ?? ""
            return kinds.contains(kind) || kind.hasSuffix("List")
        }
        let own = try all.filter(makesPods)
        // The first one says what is the matter.
        guard !own.isEmpty else { return try objects(of: all[0], engine: engine) }
        var result = try own.flatMap { try objects(of: $0, engine: engine) }
        for other in try all.filter({ try !makesPods($0) }) where !result.isEmpty {
            let name = try other["metadata"]?["name"]?.string() ?? "without a name"
            result[0].remarks.append("\(try other["kind"]?.string() ?? "an object") \(name) makes no pod".printable)
        }
        return result
    }

    private static let kinds = [
        "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
    ]

    private static func pod(_ spec: JSONNode, name title: String, usual: String, engine: String) throws
        -> ImportedDocument
    {
        let policy = try spec["restartPolicy"]?.string() ?? usual
        let grace = try spec["terminationGracePeriodSeconds"].map { Duration.seconds(try $0.int()) }
        let volumes = try volumes(spec["volumes"])
        var members: [Member] = []
        for (key, role) in [("initContainers", Member.Role.initial), ("containers", .main)] {
            for node in try spec[key]?.list() ?? [] {
                guard let label = node["name"] else { throw ImportError("\(node.path) has no 'name'") }
                let isSidecar = try role == .initial && node["restartPolicy"]?.string() == "Always"
                var member = Member(
                    name: name(try label.string(), at: label), role: isSidecar ? .sidecar : role, place: .none)
                member.scenario = try container(node, of: spec, volumes, engine: engine)
                if let grace {
                    member.scenario.stop.grace = grace
                    member.scenario.stop.signal = member.scenario.stop.signal ?? .term
                }
                members.append(member)
            }
        }
        guard members.contains(where: { $0.role == .main }) else { throw ImportError("\(spec.path) has no containers") }
        spec.noteRest(harmless: [
            "nodeName", "nodeSelector", "serviceAccount", "serviceAccountName", "schedulerName", "tolerations",
            "affinity", "dnsPolicy", "dnsConfig",
            "enableServiceLinks", "priority", "priorityClassName", "preemptionPolicy", "imagePullSecrets",
            "automountServiceAccountToken",
            "topologySpreadConstraints", "hostAliases", "restartPolicy", "runtimeClassName", "readinessGates",
            "subdomain", "overhead", "os",
            "securityContext", "volumes", "setHostnameAsFQDN",
        ])
        for key in ["hostPID", "hostIPC", "hostNetwork", "hostUsers"] where spec.has(key) {
            spec.note("\(spec.path).\(key) is not carried over")
        }
        let shares = try spec["shareProcessNamespace"]?.bool() ?? false
        var scenario: Scenario
        if members.count == 1, let only = members.first {
            scenario = only.scenario
            scenario.title = title
        } else {
            scenario = Scenario(title: title, place: .none)
            scenario.members = unique(members)
        }
        scenario.runtime = .kubernetes
        scenario.restart = try restartPolicy(policy, spec)
        scenario.sharesProcesses = shares
        var document = ImportedDocument(scenario)
        document.remarks = spec.takeRemarks()
        return document
    }

    private static func restartPolicy(_ text: String, _ spec: JSONNode) throws -> RestartPolicy {
        switch text {
        case "Always": return .always
        case "OnFailure": return .onFailure(limit: nil)
        case "Never": return .no
        default: throw ImportError("\(spec.path).restartPolicy: there is no restart policy '\(text)'")
        }
    }

    /// What a volume of a pod is here.
    private enum PodVolume {
        case emptyDirectory(limit: Int?)
        case memory(limit: Int?)
        case ofHost(String)
        case claim
        case files(String)
    }

    private static func volumes(_ node: JSONNode?) throws -> [String: PodVolume] {
        var result: [String: PodVolume] = [:]
        for own in try node?.list() ?? [] {
            guard let name = try own["name"]?.string() else { throw ImportError("\(own.path) has no 'name'") }
            if let directory = own["emptyDir"] {
                let limit = try directory["sizeLimit"].map { try size($0) }
                result[name] =
                    try directory["medium"]?.string() == "Memory"
                    ? .memory(limit: limit) : .emptyDirectory(limit: limit)
            } else if let host = own["hostPath"] {
                result[name] = .ofHost(try host["path"]?.string() ?? "")
            } else if own.has("persistentVolumeClaim") || own.has("ephemeral") || own.has("csi") {
                _ = (own["persistentVolumeClaim"], own["ephemeral"], own["csi"])
                result[name] = .claim
            } else {
                result[name] = .files(
                    ["configMap", "secret", "projected", "downwardAPI"].first { own[$0] != nil }
                        ?? "a volume of another kind")
            }
        }
        return result
    }

    private static func container(
        _ node: JSONNode, of spec: JSONNode, _ volumes: [String: PodVolume], engine: String
    ) throws -> Scenario {
        var scenario = Scenario(title: "container", place: .none)
        scenario.settings.image = try image(node["image"], engine: engine)
        let (command, arguments) = (try node["command"]?.strings(), try node["args"]?.strings())
        if let command, !command.isEmpty {
            scenario.settings.payload = .command(command + (arguments ?? []))
        } else if let arguments, !arguments.isEmpty {
            scenario.settings.arguments = arguments
        }
        var variables: [String: String] = [:]
        let budget = ComposeFile.Budget()
        for own in try node["env"]?.list() ?? [] {
            guard let name = try own["name"]?.string() else { throw ImportError("\(own.path) has no 'name'") }
            if let value = own["value"] {
                let text = try expanded(try value.string(), variables, budget)
                variables[name] = text
                scenario.settings.environment.append("\(name)=\(text)")
            } else if own.has("valueFrom") {
                _ = own["valueFrom"]
                own.note("\(own.path): \(name) comes from elsewhere: give it with --env")
            } else {
                variables[name] = ""
                scenario.settings.environment.append("\(name)=")
            }
        }
        // Of the command and its arguments, not of the image's own.
        if case .command(let words)? = scenario.settings.payload {
            scenario.settings.payload = .command(try words.map { try expanded($0, variables, budget) })
        }
        scenario.settings.arguments = try scenario.settings.arguments?.map { try expanded($0, variables, budget) }
        if let from = node["envFrom"] {
            from.note("\(from.path): variables that come from elsewhere: give them with --env")
        }
        scenario.settings.workingDirectory = try workingDirectory(node["workingDir"])
        scenario.settings.hasTerminal = try node["tty"]?.bool() ?? false
        scenario.settings.hasOpenInput = try node["stdin"]?.bool() ?? false
        try readSecurity(node["securityContext"], spec["securityContext"], into: &scenario)
        scenario.settings.memoryLimit = try memoryLimit(node["resources"]?["limits"]?["memory"])
        try readMounts(node["volumeMounts"], volumes, into: &scenario)
        if let lifecycle = node["lifecycle"] {
            scenario.startHook = try hook(lifecycle["postStart"])
            scenario.stop.hook = try hook(lifecycle["preStop"])
            if let own = lifecycle["stopSignal"] { scenario.stop.signal = try signal(own) }
            if scenario.stop.hook != nil, scenario.stop.signal == nil { scenario.stop.signal = .term }
        }
        try readProbe(node["livenessProbe"], into: &scenario)
        node.noteRest(harmless: [
            "imagePullPolicy", "ports", "resources", "terminationMessagePath", "terminationMessagePolicy",
            "readinessProbe", "startupProbe",
            "restartPolicy", "stdinOnce", "name", "volumeDevices",
        ])
        return scenario
    }

    /// A text with `$(NAME)` filled in by variables of the container; one that is not there stays as it is, and `$$` is a dollar
    /// (third_party/forked/golang/expansion/expand.go).
    ///
    /// - Throws: `ImportError`: too much comes of it.
    static func expanded(
        _ text: String, _ variables: [String: String], _ budget: ComposeFile.Budget
    ) throws(ImportError) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result.append("$")
                rest.removeFirst()
            } else if rest.first == "(", let end = rest.firstIndex(of: ")") {
                let name = rest[rest.index(after: rest.startIndex)..<end]
                result += try budget.take(variables[String(name)] ?? "$(\(name))")
                rest = rest[rest.index(after: end)...]
            } else {
                result.append("$")
            }
        }
        return result + rest
    }

    /// What the container says, else what the pod says.
    private static func readSecurity(_ own: JSONNode?, _ pod: JSONNode?, into scenario: inout Scenario) throws {
        let user = try (own?["runAsUser"] ?? pod?["runAsUser"])?.int()
        let group = try (own?["runAsGroup"] ?? pod?["runAsGroup"])?.int()
        if let user {
            guard let user = UInt32(exactly: user), let group = UInt32(exactly: group ?? 0) else {
                throw ImportError("\((own ?? pod)?.path ?? "securityContext"): \(user) is no user's number")
            }
            scenario.settings.user = Owner(user: user, group: group)
        }
        if try own?["readOnlyRootFilesystem"]?.bool() == true { scenario.settings.hasReadOnlyRoot = true }
        if try own?["allowPrivilegeEscalation"]?.bool() == false { scenario.settings.hasNoNewPrivileges = true }
        try addCapabilities(own?["capabilities"]?["add"], to: &scenario)
        own?["capabilities"]?.noteRest()
        own?.noteRest(harmless: [
            "privileged", "procMount", "seccompProfile", "runAsNonRoot",
        ])
        pod?.noteRest(harmless: ["seccompProfile", "runAsNonRoot"])
        if let node = own?["privileged"], try node.bool() {
            node.note(
                "\(node.path): a privileged container leads out of the sandbox: it has Docker's default capabilities here"
            )
        }
    }

    private static func readMounts(
        _ node: JSONNode?, _ volumes: [String: PodVolume], into scenario: inout Scenario
    ) throws {
        for own in try node?.list() ?? [] {
            guard let name = try own["name"]?.string(), let target = own["mountPath"] else {
                throw ImportError("\(own.path) has no 'name' or no 'mountPath'")
            }
            let place = try path(target)
            if own.has("subPath") { own.note("\(own.path): subPath is not carried over") }
            var volume = Volume(name: volumeName(name, scenario.settings.volumes.count), path: place, place: .none)
            switch volumes[name] {
            case .emptyDirectory(let limit): (volume.isEmpty, volume.limit) = (true, limit)
            case .memory(let limit):
                scenario.settings.tmpfs.append(place)
                var options = TmpfsOptions()
                (options.sizeInBytes, options.isExecutable) = (limit, true)
                scenario.settings.tmpfsOptions[place] = options
                continue
            case .claim: volume.isEmpty = true
            case .ofHost(let source):
                volume.source = source
                own.note("\(own.path): \(source) is a directory of the host: the container has a copy of it")
            case .files(let kind):
                own.note("\(own.path): \(kind) is not carried over: nothing is at \(place)")
                continue
            case nil: throw ImportError("\(own.path): the pod has no volume '\(name)'")
            }
            scenario.settings.volumes.append(volume)
        }
    }

    private static func hook(_ node: JSONNode?) throws -> [String]? {
        guard let node else { return nil }
        if let command = node["exec"]?["command"] { return self.command(try command.strings()) }
        if let seconds = node["sleep"]?["seconds"] { return ["sleep", String(try seconds.int())] }
        node.noteRest()
        return nil
    }

    /// A command; what asks over the network is not asked.
    private static func readProbe(_ node: JSONNode?, into scenario: inout Scenario) throws {
        guard let node else { return }
        guard let command = node["exec"]?["command"] else {
            return node.note("\(node.path): only probes that run a command are carried over")
        }
        func seconds(_ key: String) throws -> Duration? {
            try node[key].map { .seconds(try $0.int()) }.flatMap { $0 > .zero ? $0 : nil }
        }
        scenario.healthCheck = HealthCheck(
            try command.strings(), interval: try seconds("periodSeconds"), limit: try seconds("timeoutSeconds"),
            retries: try node["failureThreshold"]?.int(), startPeriod: try seconds("initialDelaySeconds"))
    }
}
