import Model
import Vocabulary

extension ContainerDocument {
    /// A project as `docker compose config --format json` prints it, or as people write it (compose-spec, 05-services.md): one container for
    /// each service.
    ///
    /// - Parameters:
    ///   - variables: for `environment` without a value.
    ///   - folder: where the file is: relative paths are from there.
    ///   - usual: what it is called where it does not say.
    static func project(
        _ root: JSONNode, engine: String, variables: (String) -> String? = { _ in nil }, folder: String = "",
        usual: String = "project"
    ) throws -> ImportedDocument {
        let services = try root["services"]?.entries() ?? []
        if services.isEmpty { throw ImportError("the project has no services") }
        let title = try root["name"]?.string() ?? usual
        var members: [Member] = []
        var withInit: Set<String> = []
        for (key, node) in services {
            var member = Member(name: name(key, at: node), place: .none)
            member.scenario = try service(node, key, engine: engine, variables, folder)
            for dependency in try dependencies(node["depends_on"]) { member.dependencies.append(dependency) }
            if try node["init"]?.bool() == true { withInit.insert(member.name) }
            members.append(member)
        }
        root.noteRest(harmless: ["name", "version", "networks", "volumes"], extensions: "x-")
        var scenario: Scenario
        if members.count == 1, let only = members.first {
            scenario = only.scenario
            scenario.title = "\(title): \(only.name)"
        } else {
            scenario = Scenario(title: title, place: .none)
            scenario.members = unique(members)
        }
        scenario.runtime = .compose
        var document = ImportedDocument(scenario)
        // An init is in front of all of them, or of none.
        document.usesInit = withInit.count == members.count
        document.membersWithInit = withInit
        if !withInit.isEmpty, !document.usesInit {
            root.note(
                "services.\(withInit.sorted().joined(separator: ", ")): `init: true` is not carried over where other services have none"
            )
        }
        document.remarks = root.takeRemarks()
        return document
    }

    /// A list of names, or an object of conditions.
    private static func dependencies(_ node: JSONNode?) throws -> [Member.Dependency] {
        guard let node else { return [] }
        if node.isList { return try node.list().map { .init(on: name(try $0.string(), at: $0)) } }
        return try node.entries().map { key, own in
            let condition: Member.Condition =
                switch try own["condition"]?.string() {
                case nil, "service_started": .started
                case "service_healthy": .healthy
                case "service_completed_successfully": .completed
                case let other?: throw ImportError("\(own.path).condition: there is no condition '\(other)'")
                }
            return .init(on: name(key, at: own), condition)
        }
    }

    private static func service(
        _ node: JSONNode, _ key: String, engine: String, _ variables: (String) -> String?, _ folder: String
    ) throws -> Scenario {
        var scenario = Scenario(title: key, place: .none)
        scenario.settings.image = try image(node["image"], engine: engine)
        if scenario.settings.image == nil {
            node.note("\(node.path) is built, not pulled: name its image with --image")
        }
        try readCommand(node, into: &scenario)
        if let own = node["environment"] {
            scenario.settings.environment =
                own.isList
                ? try own.strings().compactMap { text in
                    text.contains("=") ? text : variables(text).map { "\(text)=\($0)" }
                }
                : try own.entriesWithNulls().compactMap { key, value in
                    try (value?.word() ?? variables(key)).map { "\(key)=\($0)" }
                }
        }
        try setUser(node["user"], of: &scenario)
        scenario.settings.workingDirectory = try workingDirectory(node["working_dir"])
        scenario.settings.hasTerminal = try node["tty"]?.bool() ?? false
        scenario.settings.hasOpenInput = try node["stdin_open"]?.bool() ?? false
        scenario.settings.hasReadOnlyRoot = try node["read_only"]?.bool() ?? false
        try readSecurityOptions(node["security_opt"], into: &scenario)
        if let own = node["stop_signal"] { scenario.stop.signal = try signal(own) }
        if let own = node["stop_grace_period"] {
            scenario.stop.grace = try duration(own)
            if scenario.stop.signal == nil { scenario.stop.signal = .term }
        }
        try readDeployment(node["deploy"], hasPolicy: node.has("restart"), into: &scenario)
        if let own = node["restart"] {
            let text = try own.string()
            guard let policy = RestartPolicy(text) else {
                throw ImportError("\(own.path): there is no restart policy '\(text)'")
            }
            scenario.restart = policy
        }
        if let own = node["hostname"] { scenario.settings.hostname = try own.string() }
        for own in try node["tmpfs"].map({ $0.isList ? try $0.list() : [$0] }) ?? [] {
            let parts = try own.string().split(separator: ":", maxSplits: 1).map(String.init)
            scenario.settings.tmpfs.append(parts.first ?? "")
            if parts.count > 1, let options = TmpfsOptions(parts[1]) {
                scenario.settings.tmpfsOptions[parts[0]] = options
            }
        }
        try readVolumes(node["volumes"], folder, variables, into: &scenario)
        try readHealth(node["healthcheck"], into: &scenario)
        if let own = node["mem_limit"], !own.value.isEmpty {
            scenario.settings.memoryLimit = try memoryLimit(own, isDockers: true)
        }
        scenario.settings.processLimit = try processLimit(node["pids_limit"])
        if let limits = node["deploy"]?["resources"]?["limits"] {
            if let own = limits["memory"], !own.value.isEmpty {
                scenario.settings.memoryLimit = try memoryLimit(own, isDockers: true)
            }
            if let own = limits["pids"] { scenario.settings.processLimit = try processLimit(own) }
        }
        try addCapabilities(node["cap_add"], to: &scenario)
        for (name, limit) in try node["ulimits"]?.entries() ?? [] {
            guard let resource = ResourceLimit.Resource(rawValue: name) else {
                limit.note("\(limit.path): there is no resource '\(name)'")
                continue
            }
            let one = limit.isObject ? nil : try limit.int()
            let (soft, hard) = (try one ?? limit["soft"]?.int(), try one ?? limit["hard"]?.int())
            scenario.settings.resourceLimits.append(
                ResourceLimit(
                    resource, soft: soft.flatMap(UInt64.init(exactly:)), hard: hard.flatMap(UInt64.init(exactly:))))
        }
        scenario.startHook = try hook(node["post_start"])
        scenario.stop.hook = try hook(node["pre_stop"])
        if scenario.stop.hook != nil, scenario.stop.signal == nil { scenario.stop.signal = .term }
        if let own = node["privileged"], try own.bool() {
            own.note(
                "\(own.path): a privileged container leads out of the sandbox: it has Docker's default capabilities here"
            )
        }
        node.noteRest(harmless: [
            "container_name", "networks", "ports", "expose", "labels", "logging", "build", "pull_policy", "platform",
            "dns", "dns_search",
            "extra_hosts", "links", "network_mode", "attach", "annotations", "cpus", "cpu_shares",
            "cpu_count", "cpu_percent", "mac_address",
            "init", "depends_on", "deploy",
        ])
        return scenario
    }

    /// The restart policy of Swarm, which Compose takes where there is none of its own (deploy.md).
    private static func readDeployment(_ node: JSONNode?, hasPolicy: Bool, into scenario: inout Scenario) throws {
        guard let node else { return }
        if let policy = node["restart_policy"], !hasPolicy {
            switch try policy["condition"]?.string() ?? "any" {
            case "none": scenario.restart = .no
            case "on-failure": scenario.restart = .onFailure(limit: try policy["max_attempts"]?.int())
            case "any": scenario.restart = .always
            case let other: throw ImportError("\(policy.path).condition: there is no condition '\(other)'")
            }
            policy.noteRest()
        }
        if let count = try node["replicas"]?.int(), count != 1 {
            node.note("\(node.path).replicas: there is one here, not \(count)")
        }
        _ = node["resources"]
        node.noteRest(harmless: ["mode", "placement", "labels", "update_config", "rollback_config", "endpoint_mode"])
    }

    /// `entrypoint` takes the image's command away; `command` alone goes after the image's entrypoint, which nobody knows here.
    private static func readCommand(_ node: JSONNode, into scenario: inout Scenario) throws {
        func words(_ key: String) throws -> [String]? {
            guard let own = node[key] else { return nil }
            return own.isList ? try own.strings() : try ComposeFile.words(try own.string())
        }
        let (entrypoint, command) = (try words("entrypoint"), try words("command"))
        switch (entrypoint, command) {
        case (nil, nil): return
        case (let entrypoint?, let command):
            let words = entrypoint + (command ?? [])
            if !words.isEmpty { scenario.settings.payload = .command(words) }
        case (nil, let command?): if !command.isEmpty { scenario.settings.arguments = command }
        }
    }

    private static func readVolumes(
        _ node: JSONNode?, _ folder: String, _ variables: (String) -> String?, into scenario: inout Scenario
    ) throws {
        for own in try node?.list() ?? [] {
            if !own.isObject {
                let (source, target, isReadOnly) = ComposeFile.volume(try own.string())
                try add(source, at: target, own, folder, variables, into: &scenario)
                if isReadOnly { own.note("\(own.path): the volume can be written to here") }
                continue
            }
            guard let target = own["target"] else { throw ImportError("\(own.path) has no 'target'") }
            let place = try path(target)
            let count = scenario.settings.volumes.count
            switch try own["type"]?.string() {
            case "volume":
                scenario.settings.volumes.append(
                    Volume(name: volumeName(try own["source"]?.string() ?? "", count), path: place, place: .none))
            case "tmpfs":
                scenario.settings.tmpfs.append(place)
            case "bind":
                var volume = Volume(name: volumeName("", count), path: place, place: .none)
                volume.source = try own["source"].map { hostPath(try $0.string(), folder, variables) }
                scenario.settings.volumes.append(volume)
                own.note(
                    "\(own.path): \(volume.source ?? "?") is a directory of the host: the container has a copy of it")
            case let other: own.note("\(own.path): a mount of type \(other ?? "?") is not carried over")
            }
            if try own["read_only"]?.bool() == true { own.note("\(own.path): the volume can be written to here") }
        }
    }

    /// A volume in its short form: a source with a slash or a tilde is a directory of the host.
    private static func add(
        _ source: String?, at target: String, _ node: JSONNode, _ folder: String,
        _ variables: (String) -> String?, into scenario: inout Scenario
    ) throws {
        guard target.hasPrefix("/"), !target.split(separator: "/").contains("..") else {
            throw ImportError("\(node.path): '\(target)' is not an absolute path")
        }
        let count = scenario.settings.volumes.count
        let isOfHost = source.map { $0.contains("/") || $0 == "." || $0.hasPrefix("~") } ?? false
        var volume = Volume(name: volumeName(isOfHost ? "" : source ?? "", count), path: target, place: .none)
        if isOfHost {
            volume.source = source.map { hostPath($0, folder, variables) }
            node.note("\(node.path): \(source ?? "?") is the host's: the container has a copy of it")
        }
        scenario.settings.volumes.append(volume)
    }

    private static func hostPath(_ text: String, _ folder: String, _ variables: (String) -> String?) -> String {
        if text == "~" || text.hasPrefix("~/"), let home = variables("HOME") { return home + text.dropFirst() }
        if text.hasPrefix("/") || folder.isEmpty { return text }
        let own = text.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        return own.isEmpty ? folder : "\(folder)/\(own)"
    }

    private static func readHealth(_ node: JSONNode?, into scenario: inout Scenario) throws {
        guard let node else { return }
        let words = try node["test"].map { $0.isList ? try $0.strings() : ["CMD-SHELL", try $0.string()] } ?? []
        if try node["disable"]?.bool() == true || words == ["NONE"] {
            scenario.hasNoHealthCheck = true
            return
        }
        guard let command = healthTest(words) else { return }
        scenario.healthCheck = HealthCheck(
            command, interval: try node["interval"].map(duration), limit: try node["timeout"].map(duration),
            retries: try node["retries"]?.int(), startPeriod: try node["start_period"].map(duration))
    }

    /// The first of a list of hooks.
    private static func hook(_ node: JSONNode?) throws -> [String]? {
        guard let node else { return nil }
        let all = try node.list()
        if all.count > 1 { node.note("\(node.path): of several hooks the first is carried out") }
        guard let command = all.first?["command"] else { return nil }
        return self.command(command.isList ? try command.strings() : ["/bin/sh", "-c", try command.string()])
    }
}
