using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>GameObject, Genlock: makes what an app needs.</summary>
    internal static class GenlockMenu
    {
        [MenuItem("GameObject/Genlock/Client", false, 10)]
        internal static void AddClient()
        {
            var client = GenlockClient.Find();
            if (client == null)
            {
                // The camera's root is the XR Origin where there is one.
                var camera = Camera.main;
                var owner = camera != null && camera.transform.parent != null
                    ? camera.transform.root.gameObject
                    : NewObject();
                client = Undo.AddComponent<GenlockClient>(owner);
                client.Url = GenlockProjectSettings.instance.Url;
            }
            Selection.activeGameObject = client.gameObject;
        }

        private static GameObject NewObject()
        {
            var made = new GameObject("Genlock");
            Undo.RegisterCreatedObjectUndo(made, "Add a Genlock client");
            return made;
        }

        [MenuItem("GameObject/Genlock/Target", false, 11)]
        internal static void AddTarget()
        {
            foreach (var selected in Selection.gameObjects)
            {
                if (selected.GetComponent<GenlockTarget>() == null)
                {
                    Undo.AddComponent<GenlockTarget>(selected);
                }
            }
        }
    }
}
