import Model
import Vocabulary

extension ContainerDocument {
    /// A container as `docker inspect` and `podman inspect` describe it: what it was made with, the image's part included.
    static func inspected(_ node: JSONNode, isPodman: Bool, engine: String) throws -> ImportedDocument {
        guard let config = node["Config"] else { throw ImportError("\(node.path) has no 'Config'") }
        let name = try node["Name"].map { self.name(try $0.string(), at: $0) } ?? "container"
        var scenario = Scenario(title: name, place: .none)
        scenario.runtime = isPodman ? .podman : nil
        // What Podman calls the image, Docker calls its digest.
        scenario.settings.image = try image(
            isPodman ? node["ImageName"] ?? config["Image"] : config["Image"], engine: engine)
        let program = try node["Path"].map { [try $0.string()] } ?? []
        let words = program + (try node["Args"]?.strings() ?? [])
        if !words.isEmpty { scenario.settings.payload = .command(words) }
        _ = (config["Cmd"], config["Entrypoint"])
        try readConfig(config, isPodman, into: &scenario)
        var document = ImportedDocument(scenario)
        if let host = node["HostConfig"] {
            // Podman's own default has fewer than Docker's, which its rules know.
            if isPodman { _ = host["CapDrop"] }
            try readHost(host, into: &document)
        }
        try readMounts(node["Mounts"], into: &document.scenario)
        config.noteRest(harmless: [
            "Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce", "ExposedPorts",
            "Labels", "Annotations",
            "Image", "Volumes", "OnBuild", "Shell", "ArgsEscaped", "CreateCommand", "Umask", "StopTimeout", "Timezone",
            "SystemdMode", "sdNotifyMode",
            "sdNotifySocket", "ImageDigest", "ExposedPorts", "Timeout", "Passwd", "HealthLogDestination",
            "HealthcheckMaxLogCount",
            "HealthcheckMaxLogSize", "HealthcheckOnFailureAction", "CreatedBy", "OpenStdin", "StopSignal",
        ])
        document.remarks = node.takeRemarks()
        return document
    }

    private static func readConfig(_ config: JSONNode, _ isPodman: Bool, into scenario: inout Scenario) throws {
        scenario.settings.environment =
            try config["Env"]?.strings().filter { $0.contains("=") && !$0.hasPrefix("=") } ?? []
        // What the engine sets itself.
        scenario.settings.environment.removeAll { $0.hasPrefix("HOSTNAME=") || isPodman && $0 == "container=podman" }
        try setUser(config["User"], of: &scenario)
        scenario.settings.workingDirectory = try workingDirectory(config["WorkingDir"])
        scenario.settings.hasTerminal = try config["Tty"]?.bool() ?? false
        scenario.settings.hasOpenInput = try config["OpenStdin"]?.bool() ?? false
        if let node = config["StopSignal"], !node.value.isEmpty { scenario.stop.signal = try signal(node) }
        if let node = config["StopTimeout"] { scenario.stop.grace = .seconds(try node.int()) }
        if scenario.stop.grace != nil, scenario.stop.signal == nil { scenario.stop.signal = .term }
        // Twelve hexadecimal digits are the container's own number.
        if let hostname = try config["Hostname"]?.string(), (1...64).contains(hostname.utf8.count),
            !isOwnNumber(hostname)
        {
            scenario.settings.hostname = hostname
        }
        let test = try config["Healthcheck"]?["Test"]?.strings() ?? []
        if test == ["NONE"] { scenario.hasNoHealthCheck = true }
        if let health = config["Healthcheck"], let command = healthTest(test) {
            func time(_ key: String) throws -> Duration? {
                try health[key].map { .nanoseconds(Int64(try $0.int())) }.flatMap { $0 > .zero ? $0 : nil }
            }
            scenario.healthCheck = HealthCheck(
                command, interval: try time("Interval"), limit: try time("Timeout"),
                retries: try health["Retries"]?.int(), startPeriod: try time("StartPeriod"))
        }
    }

    private static func isOwnNumber(_ text: String) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func readHost(_ host: JSONNode, into document: inout ImportedDocument) throws {
        if let policy = host["RestartPolicy"], let name = try policy["Name"]?.string(), !name.isEmpty {
            let count = try policy["MaximumRetryCount"]?.int() ?? 0
            guard let own = RestartPolicy(name == "on-failure" && count > 0 ? "on-failure:\(count)" : name) else {
                throw ImportError("\(policy.path): there is no restart policy '\(name)'")
            }
            document.scenario.restart = own
        }
        document.scenario.removesItself = try host["AutoRemove"]?.bool() ?? false
        document.scenario.settings.hasReadOnlyRoot = try host["ReadonlyRootfs"]?.bool() ?? false
        try readSecurityOptions(host["SecurityOpt"], into: &document.scenario)
        document.usesInit = try host["Init"]?.bool() ?? false
        if let node = host["Memory"], !node.value.isEmpty {
            document.scenario.settings.memoryLimit = try memoryLimit(node)
        }
        document.scenario.settings.processLimit = try processLimit(host["PidsLimit"])
        try addCapabilities(host["CapAdd"], to: &document.scenario)
        for (path, options) in try host["Tmpfs"]?.entries() ?? [] {
            document.scenario.settings.tmpfs.append(path)
            // What Podman writes besides: how mounts propagate, and that it has done what it does anyhow.
            let text = try options.string().split(separator: ",").filter {
                !["rprivate", "private", "tmpcopyup"].contains($0)
            }
            .joined(separator: ",")
            if text.isEmpty || text == "rw,nosuid,nodev" { continue }
            if let own = TmpfsOptions(text) {
                document.scenario.settings.tmpfsOptions[path] = own
            } else {
                options.note("\(options.path): of '\(text)' not every option is known")
            }
        }
        for limit in try host["Ulimits"]?.list() ?? [] {
            let name = try limit["Name"]?.string().lowercased().replacing("rlimit_", with: "") ?? ""
            guard let resource = ResourceLimit.Resource(rawValue: name) else {
                limit.note("\(limit.path): there is no resource '\(name)'")
                continue
            }
            func value(_ key: String) throws -> UInt64? { try limit[key].flatMap { UInt64(exactly: try $0.int()) } }
            document.scenario.settings.resourceLimits.append(
                ResourceLimit(resource, soft: try value("Soft"), hard: try value("Hard")))
        }
        if let node = host["Privileged"], try node.bool() {
            node.note(
                "\(node.path): a privileged container leads out of the sandbox: it has Docker's default capabilities here"
            )
        }
        host.noteRest(harmless: [
            "Binds", "ContainerIDFile", "LogConfig", "NetworkMode", "PortBindings", "VolumeDriver", "VolumesFrom",
            "ConsoleSize", "Dns",
            "DnsOptions", "DnsSearch", "ExtraHosts", "IpcMode", "Links", "OomScoreAdj", "PublishAllPorts",
            "UTSMode",
            "ShmSize", "Runtime", "Isolation", "CpuShares", "NanoCpus", "CgroupParent", "BlkioWeight",
            "BlkioWeightDevice", "CpuPeriod", "CpuQuota",
            "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus", "CpusetMems", "MemoryReservation", "MemorySwap",
            "MemorySwappiness", "CpuCount",
            "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth", "MaskedPaths", "ReadonlyPaths", "CgroupnsMode",
            "Cgroup", "CgroupMode", "Cgroups",
            "IDMappings", "Annotations", "CgroupConf", "DiskQuota", "KernelMemory", "RestartPolicy", "UsernsMode",
            "GroupAdd", "PidMode", "Mounts",
            "AutoRemoveImage", "IntelRdtClosID", "CgroupManager",
        ])
        for key in ["PidMode", "UsernsMode", "GroupAdd"] where host.has(key) {
            let words =
                try host[key].map { $0.isList ? try $0.strings().joined(separator: ", ") : try $0.string() } ?? ""
            if words != "private" { host.note("\(host.path).\(key): '\(words)' is not carried over") }
        }
    }

    private static func readMounts(_ mounts: JSONNode?, into scenario: inout Scenario) throws {
        for mount in try mounts?.list() ?? [] {
            guard let target = mount["Destination"] else { continue }
            let place = try path(target)
            let count = scenario.settings.volumes.count
            switch try mount["Type"]?.string() {
            case "volume":
                let name = try mount["Name"]?.string() ?? ""
                // An anonymous one has a number for a name.
                scenario.settings.volumes.append(
                    Volume(name: volumeName(name.utf8.count == 64 ? "" : name, count), path: place, place: .none))
            case "tmpfs": if !scenario.settings.tmpfs.contains(place) { scenario.settings.tmpfs.append(place) }
            case "bind":
                var volume = Volume(name: volumeName("", count), path: place, place: .none)
                let source = try mount["Source"]?.string() ?? ""
                volume.source = source
                scenario.settings.volumes.append(volume)
                mount.note("\(mount.path): \(source) is a directory of the host: the container has a copy of it")
            case let other: mount.note("\(mount.path): a mount of type \(other ?? "?") is not carried over")
            }
        }
    }
}
