import Model

extension Grammar {
    /// Whether a line of the set-up is about a scenario as a whole, and not about one of its containers.
    static func isOfWhole(_ pattern: Pattern) -> Bool {
        let words = ["tags", "requires", "about", "needs", "runtime", "auto-remove", "live-restore", "pid namespace"]
        return words.contains { pattern.text.hasPrefix($0 + " ") }
    }

    /// One of several containers.
    static let memberForms: [Form<Draft>] = [
        Form(
            "container NEW-NAME",
            "One of several containers that belong together: a service of a Compose project, a container of a pod. Its settings and services are in "
                + "the block below. Volumes of one name are one volume; the containers of a pod share their network.",
            otherwise: "the scenario is about one container",
            example: """
                scenario "the api before its database"
                  runtime compose
                  container db
                    service postgres
                      stop takes 100ms
                  container api
                    depends on db
                    service node

                  start
                  expect postgres, node ready within 5s
                  stop
                  expect api stopped before db
                """
        ) { declare($1.text(0), as: .main, in: &$0) },
        Form(
            "init container NEW-NAME",
            "A container of a pod that must end with status 0 before the next is started.",
            example: """
                scenario "prepared first"
                  runtime kubernetes
                  container app
                    volume data at /data
                    command test -e /data/ready
                  init container prepare
                    volume data at /data
                    command touch /data/ready

                  start
                  in app
                    expect exit 0 within 10s
                """
        ) { declare($1.text(0), as: .initial, in: &$0) },
        Form(
            "sidecar NEW-NAME",
            "A container of a pod that is started among its init containers, stays, and is stopped after the main ones, the last first, in what is left "
                + "of the grace period.",
            example: """
                scenario "the proxy outlives the app"
                  runtime kubernetes
                  sidecar proxy
                    service envoy
                  container app
                    service web
                      stop takes 200ms

                  start
                  expect envoy, web ready within 5s
                  stop
                  expect app stopped before proxy
                """
        ) { declare($1.text(0), as: .sidecar, in: &$0) },
    ]

    /// What a container waits for.
    static let dependencyForms: [Form<Draft>] = [
        Form(
            "depends on NAMES [(started | healthy | completed)]",
            "The containers that are started before this one, and stopped after it (Compose's depends_on): `healthy` waits for their health check, "
                + "`completed` for their end with status 0.",
            otherwise: "started",
            example: """
                scenario "when the database is well"
                  runtime compose
                  container db
                    health check every 100ms test -e /run/up
                    command sh -c "sleep 0.2; touch /run/up; exec sleep 60"
                  container migrate
                    depends on db healthy
                    command true
                  container api
                    depends on db started
                    depends on migrate completed
                    service node

                  start
                  expect node ready within 5s
                """
        ) { draft, captures in
            let condition = captures.alternative(2).map { Member.Condition.allCases[$0] } ?? .started
            draft.dependencies += captures.texts(0).map { Member.Dependency(on: $0, condition) }
        }
    ]

    private static func declare(_ name: String?, as role: Member.Role, in draft: inout Draft) {
        draft.scenario.members.append(Member(name: name ?? "", role: role, place: .none))
        draft.block = .member
    }
}
