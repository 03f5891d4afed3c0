using System.Collections.Generic;
using UnityEditor;
using UnityEditor.SceneManagement;
using UnityEngine;

namespace Genlock.Gallery
{
    /// <summary>Genlock, Build the Gallery Scene: makes the scene and the actions, saves both, and opens the scene.</summary>
    public static class GalleryMenu
    {
        private const string Folder = "Assets/Genlock Gallery";

        [MenuItem("Genlock/Build the Gallery Scene")]
        public static void Build()
        {
            // The new scene takes the place of those that are open.
            if (!EditorSceneManager.SaveCurrentModifiedScenesIfUserWantsTo())
            {
                return;
            }
            if (!AssetDatabase.IsValidFolder(Folder))
            {
                AssetDatabase.CreateFolder("Assets", "Genlock Gallery");
            }
            var actions = MakeActions();
            AssetDatabase.CreateAsset(actions, Folder + "/Gallery Actions.asset");
            var scene = EditorSceneManager.NewScene(NewSceneSetup.EmptyScene, NewSceneMode.Single);
            MakeScene(actions);
            EditorSceneManager.SaveScene(scene, Folder + "/Gallery.unity");
        }

        /// <summary>What the gallery can do.</summary>
        public static GenlockActions MakeActions()
        {
            var actions = ScriptableObject.CreateInstance<GenlockActions>();
            actions.AppName = "gallery";
            Add(actions, "take", TargetUse.Required, "pick up {target}", "take {target}", "grab {target}", "give me {target}");
            Add(actions, "put_down", TargetUse.None, "put it down", "drop it", "let go of it", "put that back where it was");
            Add(actions, "hide", TargetUse.Required, "hide {target}", "remove {target}", "make {target} disappear");
            Add(actions, "show_all", TargetUse.None, "show everything again", "bring all of them back", "show the hidden things");
            var paint = Add(
                actions, "paint", TargetUse.Required, "paint {target} {colour}", "make {target} {colour}",
                "change the colour of {target} to {colour}", "paint {target}");
            paint.arguments.Add(
                new GenlockActions.Argument
                {
                    name = "colour",
                    required = true,
                    values = new List<string> { "red|crimson|scarlet", "blue|navy", "green", "yellow", "white|ivory" },
                });
            var rotate = Add(
                actions, "rotate", TargetUse.Required, "turn {target} around", "rotate {target}", "spin {target}",
                "rotate {target} by {degrees} degrees");
            rotate.arguments.Add(
                new GenlockActions.Argument
                {
                    name = "degrees", kind = ArgumentKind.Number, minimum = -360f, maximum = 360f, unit = "degrees", otherwise = "90",
                });
            return actions;
        }

        /// <summary>Fills the open scene: a viewer, a light, a shelf of things, and the gallery itself.</summary>
        public static Gallery MakeScene(GenlockActions actions)
        {
            var client = MakeViewer(actions);
            var light = new GameObject("Light").AddComponent<Light>();
            light.type = LightType.Directional;
            light.transform.rotation = Quaternion.Euler(50f, -30f, 0f);
            var gallery = new GameObject("Gallery").AddComponent<Gallery>();
            gallery.enabled = false;
            gallery.Client = client;
            MakeThing(gallery, "Kettle", "pot", PrimitiveType.Sphere, -0.6f, Color.white);
            MakeThing(gallery, "Red mug", "cup", PrimitiveType.Cylinder, -0.2f, Color.red);
            MakeThing(gallery, "Blue mug", "cup", PrimitiveType.Cylinder, 0.2f, Color.blue);
            MakeThing(gallery, "Box", "crate", PrimitiveType.Cube, 0.6f, Color.green);
            gallery.enabled = true;
            return gallery;
        }

        private static GenlockClient MakeViewer(GenlockActions actions)
        {
            var origin = new GameObject("Viewer");
            var eye = new GameObject("Main Camera") { tag = "MainCamera" };
            eye.transform.SetParent(origin.transform, false);
            eye.transform.localPosition = new Vector3(0f, 1.6f, 0f);
            eye.AddComponent<Camera>();
            eye.AddComponent<GalleryHead>();
            origin.SetActive(false);
            var client = origin.AddComponent<GenlockClient>();
            client.Actions = actions;
            client.Head = eye.transform;
            client.TrackingSpace = origin.transform;
            origin.AddComponent<GenlockMicrophone>();
            origin.SetActive(true);
            return client;
        }

        private static void MakeThing(Gallery gallery, string name, string alias, PrimitiveType shape, float x, Color colour)
        {
            var thing = GameObject.CreatePrimitive(shape);
            thing.name = name;
            thing.transform.position = new Vector3(x, 1.2f, 1.5f);
            thing.transform.localScale = new Vector3(0.2f, 0.2f, 0.2f);
            thing.SetActive(false);
            var target = thing.AddComponent<GenlockTarget>();
            target.Id = name.ToLowerInvariant().Replace(' ', '_');
            target.Client = gallery.Client;
            target.Aliases.Add(alias);
            var one = thing.AddComponent<GalleryThing>();
            one.StartColour = colour;
            gallery.Things.Add(one);
            thing.SetActive(true);
        }

        private static GenlockActions.Entry Add(GenlockActions actions, string name, TargetUse target, params string[] phrases)
        {
            var entry = new GenlockActions.Entry { name = name, target = target, phrases = new List<string>(phrases) };
            actions.Entries.Add(entry);
            return entry;
        }
    }
}
