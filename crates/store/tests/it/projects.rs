//! Projects have unique names, and every change is audited.

use keyrack_key::{ProjectId, WorkspaceId};
use keyrack_store::{AuditAction, EditProject, NewProject, ProjectType, StoreError};

use crate::{NOW, World, later, rng, world};

impl World {
    pub(crate) fn new_project<'a>(&self, name: &'a str) -> NewProject<'a> {
        NewProject {
            id: ProjectId::new(NOW, &mut rng()),
            workspace: self.workspace,
            name,
            project_type: ProjectType::ObjectDetection,
            description: None,
            actor: self.actor(),
            now: NOW,
        }
    }

    fn edit<'a>(&self, id: ProjectId, name: &'a str) -> EditProject<'a> {
        EditProject {
            workspace: self.workspace,
            id,
            name,
            description: Some("d"),
            actor: self.actor(),
            now: NOW,
        }
    }
}

#[tokio::test]
async fn project_is_created_found_edited_and_deleted() {
    let world = world().await;
    let created = world.store.create_project(&world.new_project("Bolts")).await.unwrap();
    assert_eq!(created.created_by.name.as_deref(), Some("Ada"));
    assert_eq!(world.store.project(world.workspace, created.id).await.unwrap(), Some(created.clone()));
    let other = WorkspaceId::new(NOW, &mut rng());
    assert_eq!(world.store.project(other, created.id).await.unwrap(), None);

    let edited = world.store.edit_project(&world.edit(created.id, "Nuts")).await.unwrap();
    assert_eq!(world.store.project(world.workspace, created.id).await.unwrap(), Some(edited.clone()));
    assert_eq!((edited.name.as_str(), edited.description.as_deref()), ("Nuts", Some("d")));
    world.store.edit_project(&world.edit(created.id, "Nuts")).await.unwrap();

    world.store.delete_project(world.workspace, created.id, &[], world.actor(), NOW).await.unwrap();
    assert_eq!(world.store.project(world.workspace, created.id).await.unwrap(), None);
    let again = world.store.delete_project(world.workspace, created.id, &[], world.actor(), NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    let actions = world.store.audit_entries(world.workspace, None, 3).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|entry| entry.action).collect();
    assert_eq!(
        actions,
        [AuditAction::ProjectDeleted, AuditAction::ProjectEdited, AuditAction::ProjectCreated]
    );
}

#[tokio::test]
async fn project_name_is_unique_in_a_workspace_ignoring_case() {
    let world = world().await;
    world.store.create_project(&world.new_project("Äpfel")).await.unwrap();
    let twin = world.store.create_project(&world.new_project("äPFEL")).await;
    assert!(matches!(twin, Err(StoreError::NameTaken)));
    let pears = world.store.create_project(&world.new_project("Pears")).await.unwrap();
    let renamed = world.store.edit_project(&world.edit(pears.id, "ÄPFEL")).await;
    assert!(matches!(renamed, Err(StoreError::NameTaken)));
    world.store.edit_project(&world.edit(pears.id, "PEARS")).await.unwrap();
}

#[tokio::test]
async fn pages_of_projects_are_complete_and_newest_first() {
    let world = world().await;
    for number in 0..5_u64 {
        let id = ProjectId::new(later(number), &mut rng());
        let name = format!("p{number}");
        world.store.create_project(&NewProject { id, ..world.new_project(&name) }).await.unwrap();
    }
    let first = world.store.projects(world.workspace, None, 3).await.unwrap();
    let rest = world.store.projects(world.workspace, first.next, 3).await.unwrap();
    assert!(rest.next.is_none());
    let names: Vec<_> = first.items.iter().chain(&rest.items).map(|project| project.name.as_str()).collect();
    assert_eq!(names, ["p4", "p3", "p2", "p1", "p0"]);
}
